"""Settings of single drivers in ``[tool.wheelmatrix]``; handed on by ``matrix.driver``."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["DockerOptions", "XwinOptions"]


class XwinOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Settings of the xwin driver."""

    accept_license: Annotated[
        bool,
        Meta(description="Accept Microsoft's licence for the Windows SDK and CRT files that xwin downloads."),
    ] = False


class DockerOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Settings of the docker driver."""

    engine: Annotated[
        Literal["docker", "podman"] | None,
        Meta(description="Container engine: `docker` or `podman`. None given: the first one found."),
    ] = None
    images: Annotated[
        dict[str, str],
        Meta(
            description=(
                "Images by target or level (shell-style patterns) for builds that name none, before the well-known"
                " ones of PyPA."
            ),
            examples=[{"*-musl": "my/alpine", "manylinux_2_28": "my/almalinux"}],
        ),
    ] = {}
    pull: Annotated[
        Literal["missing", "always", "never"],
        Meta(description="When images are pulled: when `missing`, `always`, or `never`.", examples=["always"]),
    ] = "missing"
    before_all: Annotated[
        str,
        Meta(
            description=(
                "Shell text that is run in each image first, as root, and kept: to install a C library, say. It sees"
                " nothing of the project."
            ),
            examples=["dnf install -y openssl-devel"],
        ),
    ] = ""
    toolchain: Annotated[
        Literal["auto", "host", "image"],
        Meta(
            description="Whose Rust: the `image`'s, this machine's (`host`, mounted), or `auto`: the image's if there.",
            examples=["host"],
        ),
    ] = "auto"
    env: Annotated[
        tuple[str, ...],
        Meta(description="Variables of the environment handed on to containers, by name.", examples=[["SCCACHE_DIR"]]),
    ] = ()
    run_args: Annotated[
        tuple[str, ...], Meta(description="More arguments for `docker run`.", examples=[["--memory=4g"]])
    ] = ()
