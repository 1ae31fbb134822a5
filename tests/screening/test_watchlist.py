from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from service.errors import ServiceError
from service.screening import watchlist
from service.screening.synthetic import write_synthetic

SDN = (
    b'36,"AEROCARIBBEAN AIRLINES",-0- ,"CUBA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n'
    b'173,"ANGLO-CARIBBEAN CO., ""LTD.""",-0- ,"CUBA",-0- ,'
    b'-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"a\r\nb"\r\n'
    b"\x1a"
)
ALT = b'36,12,"aka","AERO-CARIBBEAN",-0- \r\n\x1a'


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "sdn.csv").write_bytes(SDN)
    (tmp_path / "alt.csv").write_bytes(ALT)
    return tmp_path


def test_entities_come_first_then_aliases(directory: Path) -> None:
    found = [(e.row, e.uid, e.name, e.normalized) for e in watchlist.load(directory).entries]
    assert found == [
        (0, "36", "AEROCARIBBEAN AIRLINES", "aerocaribbean airlines"),
        (1, "173", 'ANGLO-CARIBBEAN CO., "LTD."', "anglo caribbean co ltd"),
        (2, "36", "AERO-CARIBBEAN", "aero caribbean"),
    ]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("sdn.csv", None, "expected a readable file, got: No such file"),
        ("alt.csv", None, "expected a readable file, got: No such file"),
        ("sdn.csv", b"", "expected the end mark 0x1A as last byte, got an empty file"),
        ("sdn.csv", b"\x1a", "expected at least one entry, got none"),
        ("sdn.csv", SDN[:100], "expected the end mark 0x1A"),
        ("sdn.csv", SDN[:-1], "expected the end mark 0x1A"),
        ("sdn.csv", SDN[:100] + b"\x1a", "expected"),
        ("sdn.csv", b'1,"A"\r\n\x1a', "line 1: expected 12 columns, got 2"),
        ("sdn.csv", SDN.replace(b"36,", b"x,"), "expected an entity number and a name, got 'x'"),
        ("sdn.csv", SDN.replace(b"AEROC", b"\xffROC"), "expected UTF-8, got invalid start byte"),
        ("alt.csv", ALT.replace(b"36,", b"37,"), "line 1: expected an entity of sdn.csv, got '37'"),
        ("alt.csv", ALT.replace(b'"AERO-CARIBBEAN"', b"-0- "), "entity number and a name"),
        ("sdn.csv", SDN.replace(b"AERO", b"A" * 600), "expected at most 512 characters, got"),
    ],
)
def test_a_broken_list_is_refused_with_file_and_reason(
    directory: Path, file: str, content: bytes | None, message: str
) -> None:
    if content is None:
        (directory / file).unlink()
    else:
        (directory / file).write_bytes(content)
    with pytest.raises(ServiceError) as caught:
        watchlist.load(directory)
    assert caught.value.code == "watchlist_invalid"
    assert message in caught.value.message
    assert str(directory) in caught.value.message


def test_a_directory_in_place_of_a_file_is_refused(directory: Path) -> None:
    (directory / "alt.csv").unlink()
    (directory / "alt.csv").mkdir()
    with pytest.raises(ServiceError, match="Is a directory"):
        watchlist.load(directory)


def test_the_synthetic_list_survives_the_file_format(tmp_path: Path) -> None:
    write_synthetic(tmp_path)
    assert watchlist.load(tmp_path).entries == watchlist.load(None).entries
    content = (tmp_path / "sdn.csv").read_bytes()
    assert content.endswith(b"\r\n\x1a")
    assert b",-0- ,-0- " in content


def test_the_synthetic_list_is_the_same_in_every_process() -> None:
    program = "from service.screening import watchlist as w; print(w.load(None).index.version)"
    versions = {
        subprocess.check_output(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, text=True
        )
        for seed in ("1", "2")
    }
    assert len(versions) == 1


def test_the_synthetic_list_has_twenty_thousand_names_of_real_size(synthetic) -> None:
    assert len(synthetic.entries) == 20_000
    lengths = [len(entry.normalized) for entry in synthetic.entries]
    assert 18 < sum(lengths) / len(lengths) < 28  # the OFAC list of 2021 has 22.5
    assert len({entry.normalized for entry in synthetic.entries}) > 19_000


def test_the_real_list_is_read_whole(real) -> None:
    assert [entry.row for entry in real.entries] == list(range(len(real.entries)))
    assert all(entry.normalized for entry in real.entries)
