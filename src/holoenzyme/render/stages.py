"""From a cell and a resolution to its stages: Dockerfiles with symbolic image names, and the files that they copy.

A template sees only the axes that its stage names, so a stage cannot depend on anything that its hash leaves out, and
two cells that agree on those axes share the stage.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, UndefinedError, pass_context
from jinja2.runtime import Context

from holoenzyme.errors import InternalError, UserError
from holoenzyme.matrix.axes import TargetKind
from holoenzyme.matrix.model import Cell, Matrix
from holoenzyme.matrix.placeholders import PlaceholderError, fill
from holoenzyme.matrix.recipe import Cookbook, FileRule, ImageRule, Recipe, StageRule
from holoenzyme.render.comments import without_comments
from holoenzyme.resolve.apt_text import preferences, suite_list
from holoenzyme.resolve.model import LockedBase, LockedSet, Resolution, place

#: Stands in rendered text where the name of another stage's image belongs.
_SYMBOL = re.compile(r"@image:([a-z0-9-]+)@")
PACKAGES = "packages-"
#: Of an image that holds what may not be passed on.
REDISTRIBUTABLE_LABEL = "org.holoenzyme.redistributable"
#: Of what is built apart from all that is there: the mark of the project (`Project.mark`).
MARK_LABEL = "org.holoenzyme.bench"
#: How the names of our caches in BuildKit begin.
_CACHE = "id=holoenzyme-"
#: The build argument that says to use nothing that earlier builds left: a recipe that keeps more than downloads in
#: cache mounts declares it, empty, and empties them where it has a value. BuildKit mounts them without its cache too.
FRESH = "FRESH"
#: What bases and packages depend on.
PLACE_AXES = ("base", "arch")
#: Axes that tell apart cells of one channel, version of Rust and place.
_TARGET_AXES = frozenset({"target", "kind"})
#: The architecture that a base's identity leaves out: what is kept in engines and stores is older than the second one.
_UNNAMED_ARCH = "x86_64"


class StageKind(StrEnum):
    """How a stage comes to be: `base` is pulled or bootstrapped, all others are built from a Dockerfile."""

    BASE = "base"
    PACKAGES = "packages"
    COMPONENT = "component"
    IMAGE = "image"


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of a build context."""

    content: bytes
    executable: bool = False


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A node of the build graph, rendered.

    `key` tells apart stages of the same name in different cells. `text` is the Dockerfile (for a base: the shell
    commands that make it) with symbolic image names; `needs` maps the names that it uses to the keys of those stages.
    `resolved` holds exact versions (name → version) for people and for `plan` to compare; `labels` are OCI labels.
    `package_set` is for packages alone: the set of the lock that they are.
    """

    key: str
    name: str
    kind: StageKind
    recipe: str
    text: str
    needs: Mapping[str, str]
    files: Mapping[str, File]
    resolved: Mapping[str, str]
    labels: Mapping[str, str]
    redistributable: bool
    base: str
    arch: str
    package_set: str = ""

    def with_images(self, names: Mapping[str, str]) -> str:
        """The text with real image names: stage name → image."""
        return _SYMBOL.sub(lambda match: names[match.group(1)], self.text)

    @property
    def place(self) -> str:
        """Its base and architecture, as a key of the lock."""
        return place(self.base, self.arch)

    def marked(self, mark: str) -> Stage:
        """The stage of a name of its own, with empty caches of its own, or the same where there is no mark."""
        if not mark:
            return self
        labels = MappingProxyType({**self.labels, MARK_LABEL: mark})
        return replace(self, labels=labels, text=self.text.replace(_CACHE, f"{_CACHE}bench-{mark}-"))

    @property
    def fresh_args(self) -> Mapping[str, str]:
        """The build arguments with which nothing of earlier builds is used; none where the stage keeps nothing."""
        return {FRESH: "1"} if re.search(rf"^ARG {FRESH}=$", self.text, re.MULTILINE) else {}


class ProjectFiles:
    """The templates and files of a project folder, read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._trees: dict[FileRule, Mapping[str, File]] = {}
        self.environment = Environment(
            loader=FileSystemLoader([root / "recipes", root / "images"]),
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            autoescape=False,
        )
        self.environment.filters["fill"] = _fill

    def tree(self, rule: FileRule) -> Mapping[str, File]:
        """The files that a rule names, by their path in the build context; build output (`target`) is left out.

        Raises `UserError` where there are none.
        """
        if rule not in self._trees:
            source = self.root / rule.source
            paths = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
            found: dict[str, File] = {}
            for path in paths:
                relative = path.relative_to(source)
                if "target" in relative.parts or any(part.startswith(".") for part in relative.parts):
                    continue
                target = rule.to if path == source else f"{rule.to}/{relative}"
                found[target] = File(content=path.read_bytes(), executable=bool(path.stat().st_mode & 0o100))
            if not found:
                raise UserError(f"{rule.source}: a recipe copies it, and there is nothing", fix="correct `files:`")
            self._trees[rule] = MappingProxyType(found)
        return self._trees[rule]


@pass_context
def _fill(context: Context, value: object) -> object:
    """Fill in the placeholders of a text of `values`: it sees what the template sees."""
    if not isinstance(value, str):
        return value
    try:
        return fill(value, context.get_all())
    except PlaceholderError as error:
        raise UndefinedError(f"in the value {value!r}: {error}") from error


class Renderer:
    """Renders the stages of cells. The same input gives the same bytes; a stage that cells share is rendered once."""

    def __init__(self, matrix: Matrix, cookbook: Cookbook, resolution: Resolution, files: ProjectFiles) -> None:
        self._matrix = matrix
        self._cookbook = cookbook
        self._resolution = resolution
        self._files = files
        self._stages: dict[str, Stage] = {}
        self._axes: dict[str, tuple[str, ...]] = {}
        self._template = cache(files.environment.get_template)
        self._rules: dict[str, dict[str, tuple[Recipe, StageRule]]] = {}
        #: By the key of an image: the stage of the first cell whose image differs from it in nothing.
        self._shared: dict[str, Stage] = {}

    def stages(self, cell: Cell, kind: str = "toolchain") -> tuple[Stage, ...]:
        """All stages of a cell's image, each after the stages that it needs; the image is the last.

        Cells whose images differ in nothing have one stage, with the key of the first of them in `matrix.yaml`,
        whichever of them is asked for. Raises `UserError` where a recipe asks for a stage that the channel does not
        have, or in a circle, and where cells with one image have two budgets.
        """
        ordered: dict[str, Stage] = {}
        rule = self._cookbook.image_rule(kind)
        if not rule.serves(cell.channel):
            raise UserError(
                f"channel {cell.channel!r} has no image {kind!r}", fix=f"add it to images/{kind}/image.yaml"
            )
        last = self._image_stage(cell, rule, ordered)
        if last.key not in self._shared:
            self._share(cell, rule)
        last = self._shared.get(last.key, last)
        ordered[last.key] = last
        return tuple(ordered.values())

    def _share(self, cell: Cell, rule: ImageRule) -> None:
        """Compare the images of all cells that differ from this one in the target alone."""
        # An image that depends on no target is its channel's; the budgets of cells are not about it.
        if not _TARGET_AXES & set(rule.axes):
            return
        firsts: list[tuple[Cell, Stage]] = []
        for other in self._matrix.supported():
            if (other.channel, other.rust, other.base, other.arch) != (cell.channel, cell.rust, cell.base, cell.arch):
                continue
            stage = self._image_stage(other, rule, {})
            first, shared = next((pair for pair in firsts if _differ_in_nothing(pair[1], stage)), (other, stage))
            if first.budget != other.budget:
                raise UserError(
                    f"cells {first.id!r} and {other.id!r} have one image and two budgets",
                    why="their images differ in nothing, so both have one size and take one time",
                    fix="give them the same `budget:` in matrix.yaml",
                )
            if first is other:
                firsts.append((other, stage))
            self._shared[stage.key] = shared

    def _image_stage(self, cell: Cell, rule: ImageRule, ordered: dict[str, Stage]) -> Stage:
        kinds = get_args(TargetKind)
        if unknown := set(rule.needs_for) - {*kinds, *self._matrix.channels}:
            raise UserError(
                f"images/{rule.name}/image.yaml: `needs_for` names {', '.join(sorted(unknown))}",
                why="that is no channel, and no kind of target",
                fix=f"the channels are {', '.join(self._matrix.channels)}; the kinds are {', '.join(kinds)}",
            )
        wanted = (cell.channel, self._matrix.kind(cell))
        extras = tuple(name for key, names in rule.needs_for.items() if key in wanted for name in names)
        names = (*rule.needs, *extras)
        needs = {name: self._need(cell, name, ordered, (rule.name,)).key for name in names}
        key = self._key(rule.name, cell, rule.axes)
        if key not in self._stages:
            self._name_axes(key, f"images/{rule.name}", rule, needs)
            free = all(stage.redistributable for stage in ordered.values())
            context = self._context(cell, rule.axes, {}) | {"image_kind": rule, "extras": extras}
            self._stages[key] = self._stage(
                key=key,
                name=rule.name,
                kind=StageKind.IMAGE,
                recipe=f"images/{rule.name}",
                template=f"{rule.name}/{rule.template}",
                context=context,
                cell=cell,
                needs=needs,
                labels=rule.labels if free else {**rule.labels, REDISTRIBUTABLE_LABEL: "false"},
                redistributable=free,
            )
        return self._stages[key]

    def _need(self, cell: Cell, name: str, ordered: dict[str, Stage], above: tuple[str, ...]) -> Stage:
        if name in above:
            raise UserError(
                f"stages need each other in a circle: {' -> '.join((*above, name))}", fix="correct `needs:`"
            )
        if name == "base":
            stage = self.base(cell.base, cell.arch)
        elif name.startswith(PACKAGES):
            self._need(cell, "base", ordered, (*above, name))
            stage = self._packages_stage(cell, name)
        else:
            recipe, rule = self._rule(cell.channel, name, above[-1])
            needs = {need: self._need(cell, need, ordered, (*above, name)).key for need in rule.needs}
            stage = self._component_stage(cell, recipe, rule, needs)
        ordered.setdefault(stage.key, stage)
        return stage

    def _rule(self, channel: str, name: str, asked_by: str) -> tuple[Recipe, StageRule]:
        if channel not in self._rules:
            self._rules[channel] = {
                rule.name: (recipe, rule) for recipe in self._cookbook.for_channel(channel) for rule in recipe.stages
            }
        if name not in self._rules[channel]:
            raise UserError(
                f"channel {channel!r} has no stage {name!r}, which {asked_by!r} needs",
                fix="a recipe that lists the channel must declare it; the stages are: "
                + ", ".join(sorted(self._rules[channel])),
            )
        return self._rules[channel][name]

    def base(self, base: str, arch: str) -> Stage:
        """The stage of a base; raises `UserError` where the lock does not have it."""
        key = "/".join(("base", base, arch))
        if key not in self._stages:
            locked = self._locked_base(base, arch)
            rule = self._cookbook.base_rule()
            identity = "" if arch == _UNNAMED_ARCH else f"architecture {arch}\n"
            identity += "".join(f"{name}={version}\n" for name, version in sorted(locked.packages.items()))
            left_out = (*rule.exclude_paths, *rule.included_paths(base))
            self._stages[key] = Stage(
                key=key,
                name="base",
                kind=StageKind.BASE,
                recipe="base",
                # Its identity is what both ways of making it have in common: architecture, packages, and what dpkg
                # leaves out.
                text=identity + "".join(f"exclude {path}\n" for path in left_out),
                needs=MappingProxyType({}),
                files=MappingProxyType({}),
                resolved=MappingProxyType(dict(locked.packages)),
                labels=MappingProxyType({}),
                redistributable=True,
                base=base,
                arch=arch,
            )
        return self._stages[key]

    def _packages_stage(self, cell: Cell, name: str) -> Stage:
        set_name = name.removeprefix(PACKAGES)
        wanted = self._cookbook.package_set(set_name, cell)
        axes = ("rust", *PLACE_AXES) if wanted.by_rust else PLACE_AXES
        key = self._key(name, cell, axes)
        if key not in self._stages:
            self._axes[key] = axes
            recipe, template = self._cookbook.package_template()
            locked = self._locked_set(cell, wanted.key)
            items = sorted(locked.packages.items())
            sums = "".join(f"{item.sha256}  {item.file_name(package)}\n" for package, item in items)
            files = {"packages.sha256": sums}
            # What another suite has enters by its name alone.
            if wanted.suites:
                suites = {suite: self._matrix.suites[suite] for suite in sorted(wanted.suites)}
                files["suites/preferences"] = preferences(suites, wanted.suites)
                files |= {f"suites/{suite}.list": suite_list(suite) for suite in suites}
            context = self._context(cell, PLACE_AXES, {}) | {
                "set": set_name,
                "suites": sorted(wanted.suites),
                "packages": [{"name": package, **item.model_dump()} for package, item in items],
            }
            self._stages[key] = self._stage(
                key=key,
                name=name,
                kind=StageKind.PACKAGES,
                recipe=recipe,
                template=f"{recipe}/{template}",
                context=context,
                cell=cell,
                needs={"base": self._key("base", cell, PLACE_AXES)},
                files={path: File(content=text.encode()) for path, text in files.items()},
                resolved={package: item.version for package, item in items},
                package_set=wanted.key,
            )
        return self._stages[key]

    def _component_stage(self, cell: Cell, recipe: Recipe, rule: StageRule, needs: Mapping[str, str]) -> Stage:
        key = self._key(rule.name, cell, rule.axes)
        if key not in self._stages:
            self._name_axes(key, f"recipes/{recipe.name}", rule, needs)
            context = self._context(cell, rule.axes, {**recipe.values, **rule.values})
            files: dict[str, File] = {}
            for entry in rule.files:
                files.update(self._files.tree(_filled(entry, context, f"recipes/{recipe.name}/recipe.yaml")))
            excluded = rule.values.get("exclude")
            if isinstance(excluded, list):
                lines = [
                    f"path-exclude={item['path']}\n"
                    for item in excluded
                    if cell.base in item.get("bases", (cell.base,))
                ]
                files["exclude.conf"] = File(content="".join(lines).encode())
            for path, template in rule.rendered.items():
                files[path] = File(content=self._text("recipes", f"{recipe.name}/{template}", context, {}).encode())
            self._stages[key] = self._stage(
                key=key,
                name=rule.name,
                kind=StageKind.COMPONENT,
                recipe=recipe.name,
                template=f"{recipe.name}/{rule.template}",
                context=context,
                cell=cell,
                needs=needs,
                files=files,
                redistributable=recipe.redistributable,
            )
        return self._stages[key]

    def _name_axes(self, key: str, where: str, rule: StageRule | ImageRule, needs: Mapping[str, str]) -> None:
        """Refuse a stage that needs one with an axis that it does not name: its key would stand for several of them."""
        for need, need_key in needs.items():
            missing = [axis for axis in self._axes.get(need_key, PLACE_AXES) if axis not in rule.axes]
            if missing:
                raise UserError(
                    f"{where}: stage {rule.name!r} needs {need!r}, which depends on {', '.join(missing)}",
                    fix=f"add {', '.join(missing)} to its `axes:`",
                )
        self._axes[key] = rule.axes

    def _context(self, cell: Cell, axes: tuple[str, ...], values: Mapping[str, object]) -> dict[str, object]:
        matrix = self._matrix
        everything: dict[str, dict[str, object]] = {
            "channel": {"channel": cell.channel},
            "rust": {
                "rust": {**dict(matrix.rust[cell.rust]), "version": cell.rust},
                "llvm": {"major": cell.llvm, "release": matrix.llvm[cell.llvm].release},
            },
            "target": {"target": cell.target},
            "kind": {"kind": matrix.kind(cell)},
            "base": {"base": cell.base},
            "arch": {"arch": cell.arch, "triple": matrix.architectures[cell.arch].triple},
        }
        context: dict[str, object] = {
            "values": values,
            "pins": matrix.pins,
            "ptx": matrix.ptx_features,
            "device_triples": matrix.device_triples,
        }
        for axis in axes:
            context |= everything[axis]
        return context

    def _stage(
        self,
        *,
        key: str,
        name: str,
        kind: StageKind,
        recipe: str,
        template: str,
        context: Mapping[str, object],
        cell: Cell,
        needs: Mapping[str, str],
        files: Mapping[str, File] | None = None,
        resolved: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        redistributable: bool = True,
        package_set: str = "",
    ) -> Stage:
        folder = "images" if kind is StageKind.IMAGE else "recipes"
        text = self._text(folder, template, context, needs)
        return Stage(
            key=key,
            name=name,
            kind=kind,
            recipe=recipe,
            text=text,
            needs=MappingProxyType(dict(needs)),
            files=MappingProxyType(dict(files or {})),
            resolved=MappingProxyType(dict(resolved or {})),
            labels=MappingProxyType(dict(labels or {})),
            redistributable=redistributable,
            base=cell.base,
            arch=cell.arch,
            package_set=package_set,
        )

    def _text(self, folder: str, template: str, context: Mapping[str, object], needs: Mapping[str, str]) -> str:
        """The text of a template of `recipes/` or `images/`; it may name the images of `needs` only."""

        def symbol(need: str) -> str:
            if need not in needs:
                raise InternalError(f"{folder}/{template}: uses image({need!r})", fix=f"add {need!r} to its `needs:`")
            return f"@image:{need}@"

        try:
            return self._template(template).render(
                context, image=symbol, generator=f"Generated by holoenzyme from {folder}/{template}; do not edit."
            )
        except TemplateError as error:
            line = f":{error.lineno}" if hasattr(error, "lineno") else ""
            raise UserError(
                f"{folder}/{template}{line}: {error}",
                fix="a template sees `values`, `pins`, `ptx`, `device_triples` and the axes of its stage (`axes:`)",
            ) from error

    def _locked_base(self, base: str, arch: str) -> LockedBase:
        try:
            return self._resolution.bases[place(base, arch)]
        except KeyError:
            raise UserError(f"base {place(base, arch)} is not in matrix.lock", fix="run `nox -s lock`") from None

    def _locked_set(self, cell: Cell, name: str) -> LockedSet:
        try:
            return self._resolution.sets[place(cell.base, cell.arch)][name]
        except KeyError:
            raise UserError(
                f"package set {name!r} of {place(cell.base, cell.arch)} is not in matrix.lock", fix="run `nox -s lock`"
            ) from None

    def _key(self, name: str, cell: Cell, axes: tuple[str, ...]) -> str:
        values = vars(cell) | {"kind": self._matrix.kind(cell)}
        return "/".join((name, *(values[axis] for axis in axes)))


def _filled(rule: FileRule, context: Mapping[str, object], where: str) -> FileRule:
    """The rule with values in place of the placeholders of its source."""
    try:
        return rule.model_copy(update={"source": fill(rule.source, context)})
    except PlaceholderError as error:
        raise UserError(
            f"{where}: files: {rule.source!r}: {error}", fix="it sees the axes of its stage; name another in `axes:`"
        ) from error


def _differ_in_nothing(one: Stage, other: Stage) -> bool:
    """Whether two images have the same inputs; comments of their Dockerfiles are none."""
    texts = (without_comments(stage.text) for stage in (one, other))
    return replace(one, key="", text=next(texts)) == replace(other, key="", text=next(texts))
