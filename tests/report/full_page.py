"""A study with all that a page can show, really trained, and its page taken apart as a browser would find it."""

import base64
import json
import sqlite3
from html.parser import HTMLParser

from lrlc_nas.choices import Plan
from lrlc_nas.config import StudyConfig
from lrlc_nas.engine import Worker, start_study
from lrlc_nas.engine.challenge import plan_challenges, start_challenge
from lrlc_nas.engine.confirm import confirmation_to_run, measure_sealed

CONFIG = {
    "name": "full",
    "host": {"options": {"channels": 4, "strides": [2, 2, 1]}},
    "data": {"split": {"train": 160, "search": 60, "confirm": 60}},
    "recipe": {"epochs": 3, "batch_size": 32, "path": "bank"},
    "space": {"sites": ["conv1", "conv2"], "choices": ["lrlc-2", "lrlc-4", "lc"]},
    "search": {"sampler": "random", "min_epochs": 1, "host_repeats": 2, "audit": 0.5, "pruner": "successive-halving"},
    "budget": {"trials": 16},
}


def train_full_study(store):
    """Train a study with a claim that is made to help, test and challenge the claim, and open the test images."""
    train(start_study(store, StudyConfig.model_validate_json(json.dumps(CONFIG))))
    write_scores(store, "full", lambda plan: 0.8 if len(plan) == 2 else 0.5)  # two sites at once: more than both
    train(confirmation_to_run(store, "full", {"conv1: lrlc-2": Plan.of({"conv1": "lrlc-2"})}, seeds=3))
    write_scores(store, "full/confirmation", lambda plan: 0.9 if plan == {"conv1": "lrlc-2"} else 0.5)
    for planned in plan_challenges(store, "full", ["fewer-images"], seeds=2):
        train(start_challenge(store, planned))
        write_scores(store, "full/fewer-images", lambda plan: 0.6 if plan == {"conv1": "lrlc-2"} else 0.5)
    measure_sealed(store, "full")


def train(study):
    Worker(study.store, study.record, study.prepared, device="cpu").work()


def write_scores(store, name, score):
    """Networks this small learn nothing in three epochs, so what they reached is written by hand."""
    database = sqlite3.connect(store.url.database)
    with database:
        rows = database.execute(
            "select run_id, plan from nas_run join nas_study using (study_id) where state = 'complete' and name = ?",
            (name,),
        ).fetchall()
        for run, plan in rows:
            value = score(json.loads(plan)) + 0.001 * (7 * run % 5)
            database.execute("update nas_run set value = ? where run_id = ?", (value, run))
    database.close()


class Parts(HTMLParser):
    """The figures, tables and calls of a page, as a browser would find them."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.files, self.calls, self.tables, self.text = {}, {}, {}, ""
        self.figures = self.figures_with_file = 0
        self.setup = None
        self._open, self._key, self._number, self._setup_next = [], None, False, False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in ("meta", "input", "br", "link"):
            self._open.append(tag)
        if tag == "figure":
            self._key = None
            self.figures += 1
        elif "download" in attributes:
            self._key = ("figure", attributes["download"].removesuffix(".csv"))
            self.figures_with_file += 1
            self.files[self._key[1]] = base64.b64decode(attributes["href"].partition(",")[2]).decode()
        elif tag == "table":
            self._key = ("table", attributes.get("id"))
            self.tables[self._key[1]] = []
        elif tag == "tr" and "tbody" in self._open:
            self.tables[self._key[1]].append([])
        elif tag == "td":
            self._number = "number" in attributes.get("class", "").split()
            if self._number:
                self.tables[self._key[1]][-1].append("")
        self._setup_next = self._setup_next or attributes.get("id") == "python"

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "script" in self._open or "style" in self._open:
            return
        self.text += data
        if self._open[-1:] == ["td"] and self._number:
            self.tables[self._key[1]][-1][-1] += data
        elif self._open[-2:] == ["details", "code"]:
            self.calls.setdefault(self._key, data)  # the first is the call, another one names its subject
        elif self._open[-1:] == ["pre"] and self._setup_next and self.setup is None:
            self.setup = data
