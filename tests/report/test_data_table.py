"""A table comes back from its CSV file as it was."""

import base64
import csv
import io

from lrlc_nas.report.data_table import table


def test_numbers_come_back_exactly_and_text_as_it_was():
    rows = [("a, b", 0.1 + 0.2, 3), ('"quoted"\nline', None, -1), ("<b>", 1e-300, 0)]
    made = table(("name", "value", "count"), rows)
    head, *back = csv.reader(io.StringIO(made.csv))
    assert tuple(head) == made.columns
    assert [(name, float(value) if value else None, int(number)) for name, value, number in back] == rows


def test_the_address_holds_the_file():
    made = table(("name",), [("π",)])
    kind, _, content = made.address.partition(",")
    assert kind == "data:text/csv;charset=utf-8;base64"
    assert base64.b64decode(content).decode() == made.csv == "name\r\nπ\r\n"


def test_no_name_becomes_a_formula_and_no_number_text():
    made = table(("name", "value"), [("=1+1", -0.5), ("@cmd", None), ("-x", 2)])
    assert made.csv.splitlines()[1:] == ["'=1+1,-0.5", "'@cmd,", "'-x,2"]
