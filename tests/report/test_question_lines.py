"""What was asked, whatever the study knows of itself."""

from lrlc_nas.report.question_lines import listed, question
from lrlc_nas.store import SiteRecord


def test_the_study_in_a_few_lines(new_study, new_run):
    runs = [new_run(0, {}, 0.8), new_run(1, {}, state="waiting"), new_run(2, {}, state="waiting")]
    assert dict(question(new_study(refused={"shortcut": "grouped"}), runs)) == {
        "Network": "paper-cnn (channels 16, strides [2, 1, 1]); 12,345 parameters; "
        "2.35 M multiply-accumulates per image",
        "Images": "embedded; 3 classes; 2,100 train, 1,500 search, 1,500 confirm, 900 test",
        "Where": "2 of the 3 convolutions",
        "Choices": "conv, lrlc-2, lc",
        "Recipe": "epochs 2, batch size 64, optimizer sgd, learning rate 1e-05",
        "Budget": "8 runs: 1 complete, 2 waiting",
    }


def test_every_fact_may_be_missing(new_study):
    study = new_study(facts={}, space={}, sites=(SiteRecord("conv1", {}),))
    assert dict(question(study, [])) == {
        "Network": "paper-cnn (channels 16, strides [2, 1, 1])",
        "Images": "embedded",
        "Where": "0 of the 1 convolutions",
        "Choices": "",
        "Recipe": "epochs 2, batch size 64, optimizer sgd, learning rate 1e-05",
        "Budget": "8 runs: none yet",
    }


def test_listed_leaves_out_what_is_none():
    assert listed({"batch_size": 4, "decay": None}) == "batch size 4"
