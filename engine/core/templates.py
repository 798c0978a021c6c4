"""HTML from Jinja templates in the folder of the module that uses them; values are escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2


def load(module_file: str) -> jinja2.Environment:
    """The templates in the folder of a module.

    Args:
        module_file: the module's `__file__`.

    Returns:
        An environment with autoescape in which an undefined variable is an error.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(module_file).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_svg(templates: jinja2.Environment, name: str, /, **values: Any) -> str:
    """The template NAME.svg.j2 as SVG."""
    return templates.get_template(f"{name}.svg.j2").render(values)


def render(templates: jinja2.Environment, name: str, /, **values: Any) -> str:
    """The template NAME.html.j2 as HTML."""
    return templates.get_template(f"{name}.html.j2").render(values)
