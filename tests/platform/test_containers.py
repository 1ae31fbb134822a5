"""What the Dockerfiles and docker-compose.yml promise, as far as files alone can show it."""

from __future__ import annotations

import json
import re
import shlex
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVICE_IMAGE = ROOT / "deploy/service.Dockerfile"
DOCKERFILES = sorted((ROOT / "deploy").glob("*.Dockerfile"))
# engine: go
SOCKET = "/run/hotpath/sidecar.sock"
# engine: end
WITH_DATABASE = [
    "service",
    # engine: go
    "gateway",
    # engine: end
]

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
every_dockerfile = pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.stem)


def instructions(path: Path) -> list[tuple[str, str]]:
    """(keyword, arguments) of each instruction, continued lines joined."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line]


def default(text: str) -> str:
    """The value that compose gives `${NAME:-value}` where NAME is not set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


@every_dockerfile
def test_every_copied_path_exists_and_is_let_through(path: Path) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    sources = [
        source
        for keyword, arguments in instructions(path)
        if keyword == "COPY" and "--from=" not in arguments
        for source in shlex.split(arguments)[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(f"{source}/", f"{name}/*") for name in let_through), source


@every_dockerfile
def test_images_end_as_a_user_without_rights(path: Path) -> None:
    users = [arguments for keyword, arguments in instructions(path) if keyword == "USER"]
    # A number, so that an orchestrator can see that it is not root.
    assert users == ["10001:10001"]


@every_dockerfile
def test_base_images_have_a_version(path: Path) -> None:
    stages = {"scratch"}
    for keyword, arguments in instructions(path):
        if keyword == "FROM":
            image, *alias = arguments.split()
            assert image in stages or re.search(r":.*(\d|\$\{PYTHON\})", image), image
            stages.update(alias[1:])


# engine: rust go
def is_new_enough(dockerfile: Path, image: str, manifest: str, needed: str) -> bool:
    """needed: a pattern with one group, the version in the manifest."""
    has = re.search(rf"{image}:([\d.]+)", dockerfile.read_text())
    needs = re.search(needed, (ROOT / manifest).read_text(), re.MULTILINE)
    assert has is not None
    assert needs is not None
    numbers = [[int(part) for part in found[1].split(".")] for found in (has, needs)]
    return numbers[0] >= numbers[1]


# engine: end
# engine: rust
def test_the_toolchain_of_rust_is_new_enough() -> None:
    needed = r'rust-version = "([\d.]+)"'
    assert is_new_enough(SERVICE_IMAGE, "rust", "native/rust/Cargo.toml", needed)


# engine: end
# engine: go
def test_the_toolchain_of_go_is_new_enough() -> None:
    image = ROOT / "deploy/sidecar.Dockerfile"
    assert is_new_enough(image, "golang", "go_sidecar/go.mod", r"^go ([\d.]+)")


# engine: end
def test_locust_is_pinned_like_everywhere_else() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^(\S+==[^ \\]+)", (ROOT / name).read_text(), re.MULTILINE))

    locust = pins("deploy/locust.txt")
    assert any(pin.startswith("locust==") for pin in locust)
    assert locust <= pins("requirements/dev.txt")


@every_service
def test_containers_are_hardened(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not {"privileged", "cap_add", "user", "pid", "ipc"} & set(service)


@every_service
def test_ports_are_published_to_this_machine_only(service: dict[str, Any]) -> None:
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:")


def test_only_what_serves_comes_unasked() -> None:
    assert {name: service.get("profiles") for name, service in SERVICES.items()} == {
        "service": None,
        # engine: go
        "sidecar": None,
        "gateway": ["compare"],
        # engine: end
        "locust": ["load"],
        "locust-worker": ["load"],
    }


def settings_of(service: str) -> Settings:
    given = SERVICES[service]["environment"]
    prefix = "HOTPATH_"
    values = {
        name.removeprefix(prefix).lower(): default(text)
        for name, text in given.items()
        if text is not None  # what your own environment has, if anything
    }
    assert set(values) <= set(Settings.model_fields)
    return Settings(**values)


def test_settings_in_compose_exist_and_are_valid() -> None:
    settings = settings_of("service")
    assert settings.engine is None  # your environment's, or the default
    # engine: go
    assert settings.sidecar_address == f"unix:{SOCKET}"
    # engine: end


@pytest.mark.parametrize("name", WITH_DATABASE)
def test_the_database_is_in_a_volume_that_the_image_gives_to_the_user(name: str) -> None:
    folder = str(
        Path(settings_of(name).database_url.get_secret_value().removeprefix("sqlite:///")).parent
    )
    assert folder in {mount.split(":")[1] for mount in SERVICES[name]["volumes"]}
    made = [text for keyword, text in instructions(SERVICE_IMAGE) if "install -d" in text]
    assert any(folder in shlex.split(text) for text in made)


# engine: go
def test_service_and_gateway_have_databases_of_their_own() -> None:
    """Two programs that write one SQLite file would share its single writer."""

    def volumes(name: str) -> set[str]:
        return {mount.split(":")[0] for mount in SERVICES[name]["volumes"]}

    assert not volumes("service") & volumes("gateway")
    assert volumes("service") | volumes("gateway") == set(COMPOSE["volumes"])


def test_gateway_is_served_by_the_image_of_the_service_and_probed_like_it() -> None:
    gateway, service = SERVICES["gateway"], SERVICES["service"]
    assert gateway["build"] == service["build"]
    found = dict(instructions(SERVICE_IMAGE))
    assert json.loads(found["ENTRYPOINT"]) == ["hotpath"]
    listening = ["--host", "0.0.0.0", "--port", "8000"]  # noqa: S104  # inside of a container
    assert json.loads(found["CMD"]) == ["serve", *listening]
    assert gateway["command"] == ["gateway", *listening]
    assert "'127.0.0.1', 8000" in found["HEALTHCHECK"]
    for container in (gateway, service):
        assert [port.split(":")[-1] for port in container["ports"]] == ["8000"]


def test_sidecar_listens_and_is_probed_where_the_service_looks() -> None:
    found = [
        arguments
        for keyword, arguments in instructions(ROOT / "deploy/sidecar.Dockerfile")
        if keyword in ("CMD", "HEALTHCHECK")
    ]
    assert len(found) == 2
    assert all(f'"unix:{SOCKET}"]' in arguments for arguments in found)
    mount = f"sidecar-socket:{Path(SOCKET).parent}"
    assert mount in SERVICES["service"]["volumes"]
    assert SERVICES["sidecar"]["volumes"] == [mount]
    assert SERVICES["sidecar"]["network_mode"] == "none"


# engine: end
def test_running_requests_may_finish_before_the_container_is_killed() -> None:
    grace_s = Settings.model_fields["shutdown_grace_s"].default
    for name in WITH_DATABASE:
        assert seconds(SERVICES[name]["stop_grace_period"]) > grace_s
    # engine: go
    flag = re.search(
        r'"grace", (\d+)\*time\.Second', (ROOT / "go_sidecar/cmd/sidecar/main.go").read_text()
    )
    assert flag
    assert seconds(SERVICES["sidecar"]["stop_grace_period"]) > int(flag[1])
    # engine: end
