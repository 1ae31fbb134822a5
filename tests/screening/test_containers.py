"""What the sample needs of the containers."""

from __future__ import annotations

import re

from service.offload.spec import configured
from service.screening.engines import ENGINES
from tests.platform.test_containers import SERVICE_IMAGE, SERVICES, settings_of


# engine: rust
def test_the_container_serves_with_the_fastest_engine() -> None:
    assert configured(ENGINES, settings_of("service")).engine == "rust"


# engine: end
# engine: go
def test_gateway_can_write_its_watchlist() -> None:
    """`hotpath gateway` writes the synthetic one to the user's cache; the root is read-only."""
    cache = re.search(r"XDG_CACHE_HOME=(\S+)", SERVICE_IMAGE.read_text())
    assert cache
    assert cache[1] in {mount.split(":")[0] for mount in SERVICES["gateway"]["tmpfs"]}


# engine: end
