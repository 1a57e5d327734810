"""Files that hold tables in other formats: the one line of pandas that makes a CSV file of each."""

from pathlib import Path

_READERS = {
    **dict.fromkeys((".xls", ".xlsx", ".xlsm", ".xlsb", ".ods"), "read_excel({})"),
    **dict.fromkeys((".jsonl", ".ndjson"), "read_json({}, lines=True)"),
    ".json": "read_json({})",
    **dict.fromkeys((".feather", ".arrow"), "read_feather({})"),
    ".orc": "read_orc({})",
    ".dta": "read_stata({})",
    ".sav": "read_spss({})",
    **dict.fromkeys((".sas7bdat", ".xpt"), "read_sas({})"),
    **dict.fromkeys((".htm", ".html"), "read_html({})[0]"),
    ".xml": "read_xml({})",
    ".fwf": "read_fwf({})",
    **dict.fromkeys((".pkl", ".pickle"), "read_pickle({})"),
}


def to_csv(path: Path, *, suffix: str | None = None) -> str | None:
    """What to type to make a CSV file of a file in another format; None where that is not known.

    suffix: of the format, where the name has none of it.
    """
    suffixes = [one.lower() for one in path.suffixes[-2:]]
    known = [one for one in (suffix, *reversed(suffixes)) if one in _READERS]
    if not known:
        return None
    read = _READERS[str(known[0])].format(repr(str(path)))
    made = path.with_name(path.name.split(".")[0] + ".csv")
    made = made.with_name(f"{made.stem}_1.csv") if made == path else made
    return f'python -c "import pandas; pandas.{read}.to_csv({str(made)!r}, index=False)"'
