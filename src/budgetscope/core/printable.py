"""`printable`: makes a name from outside safe to show in a terminal."""


def printable(name: str) -> str:
    r"""Return a name with every character that a terminal may act on escaped, such as `\x1b`.

    A name in a file system may hold any character: those that a terminal obeys, line breaks, and bytes that are no
    UTF-8.
    """
    if name.isprintable():
        return name
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in name)
