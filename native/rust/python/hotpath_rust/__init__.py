from hotpath_rust._native import *  # noqa: F403  # the names are those of src/lib.rs, the stub's too
