"""What goes wrong for a reason the user can do something about."""


class LabError(Exception):
    """Bad input or a failed step, told in one sentence that says what would be right.

    The command line prints it and exits with status 2; a page shows it as it stands.
    """


def quoted(value: object) -> str:
    """A value from elsewhere as it can stand in a sentence: on one line, and not too long.

    Text comes in quotation marks, a number without.
    """
    text = f"{value:g}" if isinstance(value, float) else str(value)
    shown = repr(text if len(text) <= 60 else f"{text[:60]}...")
    return shown if isinstance(value, str) else shown[1:-1]
