"""Leftovers of the project on this machine, and why some of them stay. Nothing is removed here.

Labels are inherited: an image that somebody built upon one of ours has ours too. So a label alone makes nothing ours:
an image is ours by a name that only we give, and one without a name by what else speaks for it.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from holoenzyme.engine.base import ContainerInfo, Housekeeping, ImageInfo
from holoenzyme.plan.graph import DEBUG, HASH_LABEL, PROVED, STAGE_LABEL, STAGING, TAG_LENGTH, UNNAMED

#: Repositories for images on the way, which nothing but `clean` takes away when a process dies.
PASSING = (UNNAMED, DEBUG)
_BUILD = re.compile(r"[a-z0-9-]+-([0-9a-f]{16})(\..*)?")


class Kind(StrEnum):
    """The kinds of leftovers."""

    CONTAINER = "container"
    IMAGE = "image"
    FILES = "files"
    EVIDENCE = "evidence"
    BUILD_CACHE = "build cache"


@dataclass(frozen=True, kw_only=True)
class Item:
    """Something that we made. `size` is in bytes; `stays` says why it is not removed, and is None where it is.

    For an image `targets` are the names to take away (or its id), for files the paths, for a container its id.
    """

    kind: Kind
    name: str
    size: int
    targets: tuple[str, ...] = ()
    stays: str | None = None


def containers(found: Iterable[ContainerInfo], alive: Callable[[str], bool]) -> list[Item]:
    """Containers of ours whose process is gone, running or not."""
    return [
        Item(
            kind=Kind.CONTAINER,
            name=f"{item.id[:12]} ({'running' if item.running else 'ended'})",
            size=0,
            targets=(item.id,),
        )
        for item in found
        if item.owner is not None and not alive(item.owner)
    ]


def is_alive(owner: str) -> bool:
    """Whether the process `HOST:PID` is there; one of another machine counts as there, because nobody can tell."""
    host, _, pid = owner.rpartition(":")
    if host != platform.node() or not pid.isdecimal():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def images(
    engine: Housekeeping, used_by: Mapping[str, str], state: Path, current: Collection[str] | None
) -> Iterator[Item]:
    """Every image that is ours or may be.

    `used_by` maps the ids of images to containers that stay; `current` holds the input hashes that stay, where only
    superseded images are asked for.
    """
    labelled = engine.images()
    found = {image.id: image for image in (*labelled, *(i for name in PASSING for i in engine.images_named(name)))}
    named = [image for image in labelled if any(_is_our_name(tag, image) for tag in image.tags)]
    for image in sorted(found.values(), key=lambda item: (not item.tags, item.labels.get(STAGE_LABEL, ""), item.tags)):
        ours = tuple(tag for tag in image.tags if _is_our_name(tag, image))
        others = [tag for tag in image.tags if tag not in ours]
        if not ours and others:
            continue
        stage = image.labels.get(STAGE_LABEL, "image")
        short = image.id.removeprefix("sha256:")[:12]
        stays: str | None = None
        if current is not None and image.tags and image.labels.get(HASH_LABEL) in current:
            stays = "a cell uses it"
        elif current is not None and any(not tag.startswith(f"{STAGING}/") for tag in ours):
            stays = "it is the proved image of a cell"
        elif image.id in used_by:
            stays = f"container {used_by[image.id][:12]} needs it"
        elif not ours and not _is_our_remnant(engine, image, named, state):
            stays = f"perhaps built upon ours by somebody; if not: docker rmi {short}"
        yield Item(
            kind=Kind.IMAGE,
            name=" ".join(ours) or f"{short} ({stage}, without a name)",
            size=0 if others else image.size,
            targets=ours or (image.id,),
            stays=stays,
        )


def _is_our_name(tag: str, image: ImageInfo) -> bool:
    """Whether we gave this name to this image: it fits what the labels say."""
    repository = tag.rpartition(":")[0]
    stage = image.labels.get(STAGE_LABEL)
    if repository in PASSING:
        return True
    return stage is not None and repository in (f"{STAGING}/{stage}", f"{PROVED}/{stage}")


def _is_our_remnant(engine: Housekeeping, image: ImageInfo, named: Iterable[ImageInfo], state: Path) -> bool:
    """Whether an image without a name is left of a build of ours.

    It is where a later build of the same stage took the name away: that one has as many instructions, while an image
    that was built upon ours has more. It is where we proved this very image once. And it is where the build's context
    is still there: then the build was killed before it named the image.
    """
    stage, input_hash = image.labels.get(STAGE_LABEL, ""), image.labels.get(HASH_LABEL, "")
    if any((state / "evidence").glob(f"*-{image.id.removeprefix('sha256:')[:12]}*.json")):
        return True
    if stage and input_hash and (state / "builds" / f"{stage}-{input_hash[:TAG_LENGTH]}").is_dir():
        return True
    for other in named:
        if (other.labels.get(STAGE_LABEL), other.labels.get(HASH_LABEL)) == (stage, input_hash):
            return len(engine.history(image.id)) == len(engine.history(other.id))
    return False


def files(
    state: Path, *, log_file: Path | None, evidence: bool, cache: str, current: Collection[str] | None
) -> Iterator[Item]:
    """The files of the state folder by their purpose; only those with names such as ours have.

    `cache` is the name of the folder with cargo's downloads; `log_file` is being written. Where only what is
    superseded is asked for, `current` holds the input hashes whose builds stay.
    """

    def matching(folder: str, pattern: str) -> list[Path]:
        return sorted(
            path for path in _entries(state / folder) if re.fullmatch(pattern, path.name) and path != log_file
        )

    builds = [
        path
        for path in _entries(state / "builds")
        if (found := _BUILD.fullmatch(path.name)) and not any(h.startswith(found[1]) for h in current or ())
    ]
    groups = [("contexts and logs of builds", builds)]
    if current is None:
        groups += [
            ("logs of commands", matching("logs", r".*\.log")),
            ("locks", matching("locks", r".*\.lock")),
            ("questions to archives", matching("work", "archive|base")),
            ("how long builds took", matching("times", r"stages\.jsonl")),
            ("what was resolved", matching("resolutions", r"[0-9a-f]{64}\.(json|part)")),
            ("downloads and results of the Rust linters", [path for path in [state / cache] if path.is_dir()]),
        ]
    for name, paths in groups:
        if paths:
            yield _files_item(Kind.FILES, name, paths)
    records = matching("evidence", r".*\.(json|part)") if current is None else []
    if records:
        stays = None if evidence else "evidence is kept; --evidence frees it"
        yield _files_item(Kind.EVIDENCE, "records of proofs and tests", records, stays)


def _files_item(kind: Kind, name: str, paths: list[Path], stays: str | None = None) -> Item:
    parents = sorted({str(path.parent) for path in paths})
    return Item(
        kind=kind,
        name=f"{name}: {len(paths)} in {', '.join(parents)}",
        size=sum(_size(path) for path in paths),
        targets=tuple(str(path) for path in paths),
        stays=stays,
    )


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _size(path: Path) -> int:
    """Bytes on disk of a file or a folder with all that it holds."""
    inside = path.rglob("*") if path.is_dir() and not path.is_symlink() else ()
    return sum(item.lstat().st_blocks * 512 for item in (path, *inside))
