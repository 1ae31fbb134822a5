"""What is the application's beside its kernels: routes, places, the OpenAPI document."""
