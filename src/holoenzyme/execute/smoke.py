"""Running programs in images: raw results, not yet judged."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from holoenzyme.engine.base import Engine, Mount, RunRequest, RunResult
from holoenzyme.matrix.recipe import ContractRule
from holoenzyme.matrix.smoke import SmokeCase, SmokeTest
from holoenzyme.render.stages import File

#: An id that no image knows: images must run as any user.
UNKNOWN_UID = 12345
WORK = "/src"
#: Where images keep the CA bundle.
CA_TARGET = "/etc/ssl/certs/ca-certificates.crt"
#: The exit status of a program that ended itself (SIGABRT), as a container gives it.
ABORTED = 128 + 6
#: The exit statuses where rustc refuses something: its own, cargo's, and that of `cargo offload` for a kernel.
REFUSED = (1, 101, 2)
#: Seconds that fetching dependencies may take.
_FETCH_TIMEOUT = 600.0
_CONTRACT_MARK = "==holoenzyme-contract"
_TAIL = 4000


class Ended(Enum):
    """How a container ended, which says nothing about numbers."""

    WELL = "with exit status 0"
    BADLY = "with another exit status, or a signal"
    LATE = "past its time limit"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One container run."""

    name: str
    result: RunResult
    case: SmokeCase | None = None

    @property
    def ended(self) -> Ended:
        """How it ended."""
        if self.result.timed_out:
            return Ended.LATE
        return Ended.WELL if self.result.returncode == 0 else Ended.BADLY

    @property
    def tail(self) -> str:
        """The end of what it printed, errors last."""
        return (self.result.stdout[-_TAIL:] + self.result.stderr[-_TAIL:])[-_TAIL:]


@dataclass(frozen=True, kw_only=True)
class LlvmIdentity:
    """The libLLVM that something in an image loads, or was built against."""

    who: str
    soname: str
    build_id: str


@contextmanager
def work_folder(files: Mapping[str, File]) -> Iterator[Path]:
    """A folder with these files that an unknown user may write to; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="holoenzyme-smoke-"))
    try:
        for name, file in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
        if os.getuid() == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, UNKNOWN_UID, UNKNOWN_UID)
        yield folder
    finally:
        shutil.rmtree(folder)


def user() -> str:
    """Who runs in containers: an unknown user where we are root, else ourselves, so that files stay ours."""
    return f"{UNKNOWN_UID}:{UNKNOWN_UID}" if os.getuid() == 0 else f"{os.getuid()}:{os.getgid()}"


def run_smoke(
    engine: Engine,
    image: str,
    test: SmokeTest,
    folder: Path,
    *,
    target: str = "host",
    executes: bool = True,
    ca: Path | None = None,
    proxies: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
) -> tuple[Step, ...]:
    """Fetch (where the test asks for it), compile and (`executes`) run a smoke test in `folder`, for a target.

    Each is a step of its own, only after the one before ended well; cases do not depend on each other. Only the
    fetching has network, and the host's CA bundle (`ca`) and `proxies` with it; only what is run gets `env`.
    """
    rule = test.rule
    quiet = RunRequest(
        image=image,
        argv=(),
        timeout=rule.timeout_s,
        mounts=(Mount(source=folder, target=WORK),),
        user=user(),
        workdir=WORK,
    )
    steps: list[Step] = []

    def take(name: str, request: RunRequest, case: SmokeCase | None = None) -> bool:
        steps.append(Step(name=name, result=engine.run(request), case=case))
        return steps[-1].ended is Ended.WELL

    if rule.fetch:
        bundle = (Mount(source=ca, target=CA_TARGET, read_only=True),) if ca else ()
        fetch = replace(
            quiet,
            argv=rule.fetch,
            timeout=_FETCH_TIMEOUT,
            mounts=(*quiet.mounts, *bundle),
            network=True,
            env=proxies or {},
        )
        if not take("fetch", fetch):
            return tuple(steps)
    if rule.kind in ("cargo-refused", "cargo-build"):
        for case in rule.cases:
            request = replace(quiet, argv=rule.compile_command(target, case.args), env=case.env)
            take(f"compile {case.name}", request, case)
        return tuple(steps)
    if not take("compile", replace(quiet, argv=rule.compile_command(target))) or not executes:
        return tuple(steps)
    if rule.kind == "cargo-run":
        take("run", replace(quiet, argv=rule.run_command(target), env=env or {}))
    for case in rule.cases:
        request = replace(quiet, argv=rule.run_command(target, case.args), env={**(env or {}), **case.env})
        take(f"run {case.name}", request, case)
    return tuple(steps)


def built_programs(folder: Path) -> tuple[Path, ...]:
    """The programs that cargo has made in `folder`."""
    found = sorted((folder / "target" / "release").glob("*"))
    return tuple(path for path in found if path.is_file() and os.access(path, os.X_OK))


def run_contract(
    engine: Engine, image: str, rules: Sequence[ContractRule], names: Mapping[str, str], timeout: float
) -> tuple[Step, tuple[str, ...]]:
    """Run an image's contract in one container, each command in an empty folder of its own.

    `names` fills in `{rust}` and `{llvm}`. Returns the step and what did not hold.
    """
    script = "".join(
        # The group's status is kept in a variable: the `echo` that ends its last line has one of its own.
        f"mkdir {number}; echo {_CONTRACT_MARK} {number}; "
        f"(cd {number} && {rule.run.format(**names)}) 2>&1; status=$?; echo; echo {_CONTRACT_MARK} status $status\n"
        for number, rule in enumerate(rules)
    )
    with work_folder({}) as folder:
        request = RunRequest(
            image=image,
            argv=("sh", "-c", script),
            timeout=timeout,
            mounts=(Mount(source=folder, target=WORK),),
            user=user(),
            workdir=WORK,
        )
        result = engine.run(request)
    problems = [] if not result.timed_out else [f"the contract took more than {timeout:.0f} s"]
    parts = result.stdout.split(f"{_CONTRACT_MARK} ")
    answers: dict[int, tuple[str, int]] = {}
    for begin, end in zip(parts[1::2], parts[2::2], strict=False):
        index, _, printed = begin.partition("\n")
        answers[int(index)] = (printed, int(end.split()[1]))
    for number, rule in enumerate(rules):
        output, status = answers.get(number, ("", -1))
        expected = rule.expect.format(**names)
        if status != 0 or expected not in output:
            problems.append(
                f"contract {rule.name!r}: exit status {status}, {expected!r} expected in: {output.strip()[-300:]}"
            )
    return Step(name="contract", result=result), tuple(problems)


_IDENTITY = """
set -eu
sysroot=$(rustc --print sysroot)
driver=$(ldd "$(realpath "$(command -v rustc)")" | awk '/librustc_driver/ {print $3}')
for pair in "rustc $driver" "libEnzyme $(ls "$sysroot"/lib/rustlib/*/lib/libEnzyme-*.so)"; do
    who=${pair%% *}; file=${pair#* }
    llvm=$(realpath "$(ldd "$file" | awk '/libLLVM/ {print $3}')")
    soname=$(readelf -d "$llvm" | sed -n 's/.*SONAME.*\\[\\(.*\\)\\]/\\1/p')
    build_id=$(readelf -n "$llvm" | awk '/Build ID/ {print $3}')
    printf '{"who": "%s", "soname": "%s", "build_id": "%s"}\\n' "$who" "$soname" "$build_id"
done
sed 's/^{/{"who": "libEnzyme when it was built", /' /opt/holoenzyme/share/holoenzyme/enzyme-llvm.json
rustc --version --verbose
cargo --version
"""


def read_identity(engine: Engine, image: str) -> tuple[Step, tuple[LlvmIdentity, ...], dict[str, str]]:
    """Who loads which libLLVM in an image, and the versions that it states; raises nothing for a wrong image."""
    request = RunRequest(image=image, argv=("sh", "-c", _IDENTITY), timeout=60, user=user())
    result = engine.run(request)
    found: list[LlvmIdentity] = []
    versions: dict[str, str] = {}
    for line in result.stdout.splitlines():
        if line.startswith("{"):
            # What an image has wrong there is missing in what was found, and the judge says so.
            with suppress(json.JSONDecodeError, KeyError):
                data = json.loads(line)
                found.append(LlvmIdentity(who=data["who"], soname=data["soname"], build_id=data["build_id"]))
        elif line.startswith(("rustc ", "cargo ")):
            versions[line.split()[0]] = line
        elif ": " in line:
            key, value = line.split(": ", 1)
            versions[f"rustc {key.lower()}"] = value
    return Step(name="identity", result=result), tuple(found), versions
