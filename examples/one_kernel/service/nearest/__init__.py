"""The application: the nearest of many places. Its one value, DOMAIN, says what there is.

All of it is in this folder, but for native engines, which have their kernels in native/ and
go_sidecar/, beside what is generic there.
"""

from __future__ import annotations

from service.domain import Domain
from service.nearest import errors, places
from service.nearest.engines import ENGINES

# engine: go
from service.nearest.gateway import environment

# engine: end
from service.nearest.settings import NearestSettings

DOMAIN = Domain(
    name="nearest",
    engines=ENGINES,
    routers=(
        # The hottest first.
        "service.nearest.routes.nearest:router",
    ),
    jobs=(
        # Together they run every kernel.
        "service.nearest.routes.nearest:JOB",
    ),
    hold=places.hold,
    settings=NearestSettings,
    errors=errors.CODES,
    commands={},
    lab="service.nearest.scenarios:LAB",
    benches="service.nearest.benches:BENCHES",
    # engine: go
    gateway_environment=environment,
    # engine: end
)
