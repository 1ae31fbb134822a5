"""The sample: payment screening. All of it is in this folder, and in its value DOMAIN.

Native engines have their kernels in their own packages, beside what is generic there.
"""

from __future__ import annotations

from service.domain import Domain
from service.screening import errors, watchlist
from service.screening.engines import ENGINES

# engine: go
from service.screening.gateway import environment

# engine: end
from service.screening.settings import ScreeningSettings
from service.screening.tables import SCHEMA

DOMAIN = Domain(
    name="screening",
    engines=ENGINES,
    routers=(
        "service.screening.routes.matches:router",
        "service.screening.routes.validations:router",
        "service.screening.routes.seals:router",
        "service.screening.routes.payments:router",
        "service.screening.routes.rates:router",
        "service.screening.routes.screenings:router",
    ),
    jobs=(
        "service.screening.routes.matches:MATCH",
        "service.screening.routes.validations:VALIDATE",
        "service.screening.routes.seals:SEAL",
        "service.screening.routes.matches:MATCH_BODY",
        "service.screening.routes.validations:VALIDATE_BODY",
        "service.screening.routes.seals:SEAL_BODY",
    ),
    hold=watchlist.hold,
    settings=ScreeningSettings,
    errors=errors.CODES,
    schema=SCHEMA,
    commands={
        "match": "service.screening.commands:match",
        "watchlist": "service.screening.commands:watchlist",
    },
    lab="service.screening.scenarios:LAB",
    benches="service.screening.benches:BENCHES",
    # engine: go
    gateway_environment=environment,
    # engine: end
)
