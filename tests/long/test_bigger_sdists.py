"""More projects as PyPI has them, bigger or laid out in other ways: built, judged, installed and used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.known import Known
from support.reports import read_report
from support.tools import Ran, need, run
from support.wheels import add_packages, ask, install

pytestmark = pytest.mark.real

BIGGER = (
    Known(
        name="jiter",
        version="0.19.0",
        wheels=("cp312-cp312", "cp313-cp313"),
        story="import jiter; print(jiter.from_json(b'{\"a\": [1, 2.5, null]}'))",
        says="{'a': [1, 2.5, None]}",
    ),
    Known(
        name="blake3",
        version="1.0.11",
        wheels=("cp312-cp312", "cp313-cp313"),
        story="import blake3; print(blake3.blake3(b'').hexdigest()[:16])",
        says="af1349b9f5f9a1a6",
    ),
    Known(
        name="pydantic-core",
        version="2.50.4",
        wheels=("cp312-cp312", "cp313-cp313"),
        story="import pydantic_core as p; print(p.SchemaValidator({'type': 'int'}).validate_python('42'))",
        says="42",
    ),
    Known(
        name="cryptography",
        version="50.0.2",
        wheels=("cp312-abi3",),  # abi3 without a floor: the oldest interpreter given
        needs=("cffi", "setuptools"),
        story="from cryptography.fernet import Fernet as F; f = F(F.generate_key()); print(f.decrypt(f.encrypt(b'x')))",
        says="b'x'",
    ),
    Known(
        name="tokenizers",
        version="0.23.3",
        wheels=("cp310-abi3",),
        story="import tokenizers; print(tokenizers.__version__)",
        says="0.23.3",
    ),
)


@pytest.mark.parametrize("known", BIGGER, ids=lambda known: known.name)
def test_builds_installs_and_works(
    known: Known,
    wheelmatrix: Callable[..., Ran],
    sdist: Callable[[str, str], Path],
    pythons: dict[str, Path],
    venv: Callable[[Path], Path],
) -> None:
    root = sdist(known.name, known.version)
    wanted = {version: pythons[version] for version in ("3.12", "3.13")}
    if known.needs:
        wanted = {version: venv(python) for version, python in wanted.items()}
        for python in wanted.values():
            add_packages(python, *known.needs)
    ran = wheelmatrix("build", "-r", "-i", *wanted.values(), cwd=root, timeout=3600)
    assert ran.exit == 0, str(ran)
    print(f"{known.name}: {ran.seconds:.0f} s")
    assert sorted("-".join(path.name.split("-")[-3:-1]) for path in ran.wheels) == sorted(known.wheels)
    (report,) = [read_report(path.parent / "report.json") for path in ran.wheels[:1]]
    for path in ran.wheels:
        shown = json.loads(run([need("auditwheel"), "show", "--json", path], cwd=root, check=True).stdout)
        cells = [cell for cell in report["cells"] if cell["wheel"]["file"] == path.name]
        assert {cell["audit"]["overall_tag"] for cell in cells} == {shown["overall_tag"]}
    for version in wanted:
        tag = f"cp{version.replace('.', '')}"
        python = venv(pythons[version])
        install(python, next(path for path in ran.wheels if f"-{tag}-{tag}-" in path.name or "-abi3-" in path.name))
        assert ask(python, known.story) == known.says
