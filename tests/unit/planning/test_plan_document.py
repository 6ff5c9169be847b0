"""``plan --json``: a versioned document that its own schema describes."""

from __future__ import annotations

import json

import jsonschema
import msgspec
from support.planning import made_up_facts, made_up_project

from matrix.model import Plan
from matrix.planning import Request, make_plan
from matrix.planning.document import PlanDocument, plan_document, schema


def made() -> Plan:
    project = made_up_project(
        matrix={"interpreters": ["3.8", "3.12", "3.13"], "compatibility": ["2_17", "2_28"]},
        pyo3_features=["abi3-py312"],
    )
    return make_plan(project, Request(), made_up_facts("3.12"))


def test_a_plan_survives_json() -> None:
    plan = made()
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


def test_the_document_says_it_all_and_fits_its_schema() -> None:
    plan = made()
    text = plan_document(plan, {build.id: ("cargo", "rustc", build.id) for build in plan.builds})
    document = json.loads(text)
    jsonschema.validate(document, schema())
    assert msgspec.json.decode(text, type=PlanDocument).version == 1
    assert document["project"] == {"name": "Demo.Lib", "version": "1.4.0", "bindings": "pyo3 0.30.1"}
    (build,) = document["builds"]
    assert build["id"] == "abi3-cp312-x86_64-unknown-linux-gnu"
    assert build["stable_abi"] == "abi3-cp312"
    assert build["command"] == ["cargo", "rustc", build["id"]]
    assert build["files"] == [
        "demo_lib-1.4.0-cp312-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "demo_lib-1.4.0-cp312-abi3-manylinux_2_28_x86_64.whl",
    ]
    assert [(cell["interpreter"], cell["compatibility"], cell["found"]) for cell in document["cells"]] == [
        ("cp312", "manylinux_2_17", True),
        ("cp312", "manylinux_2_28", True),
        ("cp313", "manylinux_2_17", False),
        ("cp313", "manylinux_2_28", False),
    ]
    assert document["left_out"][0]["interpreter"] == "cp38"
    assert document["left_out"][0]["target"] == "x86_64-unknown-linux-gnu"


def test_commands_may_be_unknown() -> None:
    (build,) = json.loads(plan_document(made()))["builds"]
    assert build["command"] is None


def test_the_schema_documents_itself() -> None:
    made_schema = schema()
    assert made_schema["title"] == "wheelmatrix plan, version 1"
    described = made_schema["$defs"]["PlannedCell"]["properties"]
    assert all("description" in one for one in described.values())


def test_no_secret_is_shown() -> None:
    plan = made()
    hidden = msgspec.structs.replace(
        plan.builds[0].settings,
        env={"TOKEN": "s3cr3t", "EMPTY": "", "GONE": None},
        cargo_args=("--config", 'registries.corp.token="s3cr3t"'),
        rustc_args=("-Lhttps://me:s3@cr3t@example.org/x",),
    )
    build = msgspec.structs.replace(plan.builds[0], settings=hidden)
    plan = msgspec.structs.replace(plan, builds=(build,))
    text = plan_document(plan, {build.id: ("cargo", "--config", "registry.token='s3cr3t'", "--locked")})
    assert "s3cr3t" not in text
    assert "cr3t" not in text
    (shown,) = json.loads(text)["builds"]
    assert shown["settings"]["env"] == {"TOKEN": "***", "EMPTY": "***", "GONE": None}
    assert shown["settings"]["cargo_args"] == ["--config", "registries.corp.token=***"]
    assert shown["command"] == ["cargo", "--config", "registry.token=***", "--locked"]
