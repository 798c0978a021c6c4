"""What goes wrong for a reason the user can do something about."""


class LabError(Exception):
    """Bad input or a failed step, told in one sentence that says what would be right.

    The command line prints it and exits with status 2; a page shows it as it stands.
    """
