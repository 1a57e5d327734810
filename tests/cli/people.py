"""Tables with the shapes and the quirks of those that people have; their cells are drawn."""

import csv
import io
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np


def csv_of(columns):
    """A text as a spreadsheet program writes it; a name may be there twice, as "size " is."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([name.removesuffix("^") for name in columns])
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def messy():
    """84 rows with a quirk a column; "^" is no part of a name."""
    rows = range(84)
    days = [date(2024, 1, 30) + timedelta(days=i * 7 % 60) for i in rows]
    return {
        "name": [f"Ann {i}" for i in rows],
        " colour": [(" red", "blue", "?", "green ")[i % 4] for i in rows],
        "price": ["-" if i % 10 == 5 else f"{1 + i // 9}.{i * 37 % 1000:03d},5 €" for i in rows],
        "discount": ["NA" if i % 9 == 1 else f"{i * 7 % 40}%" for i in rows],
        "weight": ["?" if i % 10 == 5 else i * 11 % 50 / 4 for i in rows],
        "far": ["inf" if i % 10 == 5 else i * i % 23 for i in rows],
        "sold": ["" if i % 9 == 4 else day.strftime("%d/%m/%Y") for i, day in enumerate(days)],
        "size": [i % 5 for i in rows],
        "size^": [i % 3 for i in rows],
        "same": ["x" for _ in rows],
        "sales": ["?" if i > 79 else f"${1000 + i * i:,}.00" for i in rows],
    }


NEW_ROWS = {
    "sold": ["15/06/2024", None, "2024-03-01", "01/03/2024"],
    "colour": ["red", "violet", "?", " blue"],
    "price": ["1.234,50 €", None, "-", "999 €"],
    "discount": ["12.5%", "?", None, "100%"],
    "weight": ["2.5", "?", None, "1"],
    "far": ["3", "inf", None, "4"],
    "size": [1, None, 3, 4],
    "size.1": [None, 1, 2, 0],
}


class Owned(NamedTuple):
    """A table as its owner wrote it.

    columns: its cells by column.
    target: the name of the column to predict.
    new_rows: rows to predict, with categories that nobody has seen and gaps elsewhere.
    said: the beginnings of the lines that tell what was done.
    """

    columns: dict
    target: str
    new_rows: dict
    said: list


def passengers():
    """891 rows: names, tickets and cabins, gaps."""
    rng, rows = np.random.default_rng(0), range(891)
    sex = rng.choice(["male", "female"], 891).tolist()
    columns = {
        "PassengerId": [i + 1 for i in rows],
        "Survived": [int(rng.random() < (0.7 if one == "female" else 0.2)) for one in sex],
        "Pclass": rng.integers(1, 4, 891).tolist(),
        "Name": [f'Brown, M{"r" * (i % 2)}s. Ann {i} "Nan"' for i in rows],
        "Sex": sex,
        "Age": ["" if rng.random() < 0.2 else rng.integers(1, 160) / 2 for _ in rows],
        "SibSp": rng.integers(0, 4, 891).tolist(),
        "Ticket": [f"{rng.choice(['PC ', 'A/5. ', ''])}{rng.integers(10**6)}" for _ in rows],
        "Fare": rng.lognormal(3, 1, 891).round(4).tolist(),
        "Cabin": ["" if i % 4 else f"{'ABCDE'[i % 5]}{rng.integers(1000)}" for i in rows],
        "Embarked": ["" if i in (61, 829) else rng.choice(["S", "C", "Q"]) for i in rows],
    }
    new = {name: [cells[0], "", cells[2]] for name, cells in columns.items() if name != "Survived"}
    new |= {"Pclass": [3, "?", 1], "Sex": ["male", "", "other"], "Embarked": ["X", "", "S"]}
    said = ["mlp-jax: column 'PassengerId' numbers the rows; type --drop 'PassengerId' if that is"]
    return Owned(columns, "Survived", new, [f"{said[0]} all", "mlp-jax: left out 'Name'"])


def census():
    """Texts behind spaces, and question marks for gaps."""
    rng, m = np.random.default_rng(1), 300

    def words(*some):
        return [f" {one}" for one in rng.choice(some, m)]

    age = rng.integers(17, 90, m)
    columns = {
        "age": age.tolist(),
        "workclass": words("Private", "State-gov", "?"),
        "fnlwgt": [f" {one}" for one in rng.integers(12285, 10**6, m)],
        "education": words("Bachelors", "HS-grad", "Masters", "11th"),
        "occupation": words("Sales", "Tech-support", "Exec", "?"),
        "hours-per-week": [f" {one}" for one in rng.integers(1, 99, m)],
        "native-country": words("United-States", "Mexico", "?"),
        "income": [" >50K" if one > 50 else " <=50K" for one in age],
    }
    new = {
        "age": [39, "?"],
        "workclass": [" Never-worked", "?"],
        "fnlwgt": [" 77516", " ?"],
        "education": ["Bachelors", " 12th"],
        "occupation": [" ?", "Sales"],
        "hours-per-week": ["", " 40"],
        "native-country": [" Cuba", ""],
    }
    spaces = "mlp-jax: spaces around the texts of 'workclass', 'education', 'occupation' and "
    return Owned(
        columns,
        "income",
        new,
        [f"{spaces}'native-country' are taken off", "mlp-jax: read as gaps: 'workclass'"],
    )


def sales():
    """Currency, percent, and dates in two forms."""
    rng, m = np.random.default_rng(2), 200
    days = [date(2022, 1, 3) + timedelta(days=int(one)) for one in rng.integers(0, 720, m)]
    price, share = rng.lognormal(7, 1, m), rng.choice([0, 5, 7.5, 12.5], m)
    columns = {
        "order": [f"ORD-{i:05d}" for i in range(m)],
        "date": [day.strftime("%m/%d/%Y") for day in days],
        "shipped": [f"{day} {i % 24:02d}:{i % 60:02d}:00" for i, day in enumerate(days)],
        "region": rng.choice(["North", "South", "East"], m).tolist(),
        "unit price": [f"${one:,.2f}" if i % 30 else "-" for i, one in enumerate(price)],
        "discount": [f"{one:g}%" if i % 20 else "n/a" for i, one in enumerate(share)],
        "revenue": [f"${one:,.2f}" if i % 50 else "" for i, one in enumerate(price * 3)],
    }
    new = {
        "date": ["06/15/2024", ""],
        "shipped": ["", "2024-06-15 10:30:00"],
        "region": ["Moon", "?"],
        "unit price": ["$1,000.00", "?"],
        "discount": ["", "10%"],
    }
    said = ["mlp-jax: left out 4 of 200 rows, which have no 'revenue'"]
    said += ["mlp-jax: read as numbers: 'revenue'", "mlp-jax: left out 'order': 196 different"]
    said[2] += " texts in 196 rows; --categorical 'order' keeps it"
    said += [
        "mlp-jax: read as dates, whose year, month, weekday, hour and so on are inputs: 'date'"
    ]
    return Owned(columns, "revenue", new, [*said, "mlp-jax: read as gaps: 'unit price'"])


def genes():
    """83 rows of 4,000 columns, some of which are the same in every row."""
    rng, m = np.random.default_rng(3), 83
    X = rng.normal(size=(m, 4000)).round(3)
    X[:, ::97] = 1
    columns = {"sample": [f"s{i}" for i in range(m)]}
    columns |= {f"gene {j}": column for j, column in enumerate(X.T.tolist())}
    columns["type"] = np.where(X[:, 1] + X[:, 2] > 0, "tumour", "normal").tolist()
    new = {f"gene {j}": ["" if j % 50 == 1 else 0.5, -0.5] for j in range(4000)}
    said = ["mlp-jax: left out 'sample'", "mlp-jax: columns 'gene 0', 'gene 97', 'gene 194', "]
    said[1] += "'gene 291' and 38 more are the same in every row and left out"
    return Owned(columns, "type", new, said)


TABLES = {"passengers": passengers, "census": census, "sales": sales, "genes": genes}
