"""A tiny project edited at random: after every edit a warm run must make the bytes that a cold one makes.

Files, environment, features, cargo's configuration and the toolchain change.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from support.cross import cross_environment
from support.tools import Ran, need, run

EDITS = (
    "source", "included", "python", "added", "env", "features", "metadata", "configuration", "toolchain", "nothing",
)  # fmt: skip
COMPILING = frozenset({"source", "included", "env", "configuration"})  # never seen before, so never fresh
MAIN = """mod part;
fn main() {
    println!("{} {} {}", part::SAID, include_str!("words.txt").trim(), option_env!("GREETING").unwrap_or("-"));
    #[cfg(feature = "more")]
    println!("more");
}
"""


class Edited:
    """The project, its environment and its features; ``edit`` changes one thing or nothing."""

    def __init__(self, root: Path, dice: random.Random) -> None:
        self.root = root
        self._dice = dice
        self.env: dict[str, str] = {}
        self.flags: list[str] = []
        self._toolchains = toolchains(root)
        self._toolchain = ""
        (root / "src" / "main.rs").write_text(MAIN)
        self._write("src/part.rs", 'pub const SAID: &str = "0";\n')
        self._write("src/words.txt", "0\n")
        self._choose_toolchain(0)
        self._python = next((root / "python").rglob("*.py"))

    def _write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def edit(self) -> str:
        """Change something; say what."""
        what = self._dice.choice(EDITS)
        number = self._dice.randrange(10**6)
        match what:
            case "source":
                self._write("src/part.rs", f'pub const SAID: &str = "{number}";\n')
            case "included":
                self._write("src/words.txt", f"{number}\n")
            case "python":
                self._python.write_text(f"NUMBER = {number}\n")
            case "added":
                self._python.with_name(f"more_{number}.py").write_text(f"NUMBER = {number}\n")
            case "env":
                self.env = {"GREETING": str(number)}
            case "features":
                self.flags = [] if self.flags else ["-F", "more"]
            case "metadata":
                table = (self.root / "pyproject.toml").read_text().splitlines()
                kept = [line for line in table if not line.startswith("keywords")]
                kept.insert(kept.index("[project]") + 1, f'keywords = ["k{number}"]')
                self._write("pyproject.toml", "\n".join(kept) + "\n")
            case "configuration":
                (self.root / ".cargo").mkdir(exist_ok=True)
                self._write(".cargo/config.toml", f'[build]\nrustflags = ["--cfg", "n{number}"]\n')
            case "toolchain":
                self._choose_toolchain(number)
            case _:
                pass
        return what

    def _choose_toolchain(self, number: int) -> None:
        others = [line for line in self._toolchains if line != self._toolchain]
        self._toolchain = others[number % len(others)]
        self._write("rust-toolchain.toml", f"[toolchain]\n{self._toolchain}\n")


def toolchains(where: Path) -> list[str]:
    """Return two or more toolchains as ``rust-toolchain.toml`` names them: every rustc that rustup has, or our own."""
    listed = run([need("rustup"), "toolchain", "list"], cwd=where, check=True).stdout.splitlines()
    names = [line.split()[0] for line in listed if line.split()[0].count("-") > 2]  # others are linked by hand
    said = {name: run([need("rustc"), f"+{name}", "-V"], cwd=where, check=True).stdout for name in names}
    found = {version: f'channel = "{name}"' for name, version in said.items()}
    if len(found) < 2:
        found["ours"] = f'path = "{cross_environment()["RUSTUP_TOOLCHAIN"]}"'
    return list(found.values())


def compared(wheelmatrix: Callable[..., Ran], root: Path, seed: int, steps: int) -> Iterator[tuple[str, str]]:
    """Edit, build warm and cold, compare the bytes; yield what was edited and how the warm cell ended."""
    edited = Edited(root, random.Random(seed))  # noqa: S311 - edits, no secrets

    def build(target: str, out: str) -> tuple[str, bytes, int]:
        ran = wheelmatrix(
            *("build", "--json", "--out", out, "--target-dir", target, *edited.flags), cwd=root, env=edited.env
        )
        assert ran.exit == 0, ran
        report = json.loads(ran.stdout)
        (cell,) = report["cells"]
        compiled = sum(one["crates"]["compiled"] for one in report["builds"])
        return cell["status"], (root / out / cell["wheel"]["file"]).read_bytes(), compiled

    build("target/warm", "target/wheels")
    for _ in range(steps):
        what = edited.edit()
        status, warm, compiled = build("target/warm", "target/wheels")
        shutil.rmtree(root / "target" / "cold", ignore_errors=True)
        _, cold, _ = build("target/cold", "target/cold-wheels")
        assert warm == cold, f"after {what} (seed {seed}) the warm wheel differs from a cold one"
        if what in COMPILING:
            assert compiled, f"after {what} nothing was compiled"
        if what == "nothing":
            assert (status, compiled) == ("reused", 0)
        yield what, status
