"""Studies, sites, runs with their leases, epochs."""

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from lrlc_nas.store.migrations.missing import create_index, create_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _long() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    """Create the four tables."""
    create_table(
        "nas_study",
        sa.Column("study_id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(200), nullable=False, unique=True),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("trials", sa.Integer, nullable=False),
        sa.Column("config", _long(), nullable=False),
        sa.Column("space", _long(), nullable=False),
        sa.Column("left_out", _long(), nullable=False),
        sa.Column("refused", _long(), nullable=False),
        sa.Column("host_fingerprint", sa.String(64), nullable=False),
        sa.Column("data_fingerprint", sa.String(64), nullable=False),
        sa.Column("facts", _long(), nullable=False),
        sa.Column("files", sa.Text, nullable=False),
    )
    create_table(
        "nas_site",
        sa.Column("study_id", sa.Integer, sa.ForeignKey("nas_study.study_id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("geometry", sa.Text, nullable=False),
    )
    create_table(
        "nas_run",
        sa.Column("run_id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("study_id", sa.Integer, sa.ForeignKey("nas_study.study_id"), nullable=False),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("trial_id", sa.Integer),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("repeat", sa.Integer, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("plan", _long()),
        sa.Column("plan_digest", sa.String(64)),
        sa.Column("parameters", sa.Double),
        sa.Column("macs", sa.Double),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("expires", sa.Double, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("started", sa.Double),
        sa.Column("finished", sa.Double),
        sa.Column("facts", sa.Text, nullable=False),
        sa.UniqueConstraint("study_id", "slot"),
        sa.UniqueConstraint("study_id", "plan_digest", "repeat"),
    )
    create_index("nas_run_claim", "nas_run", ["study_id", "done", "expires"])
    create_table(
        "nas_epoch",
        sa.Column("run_id", sa.Integer, sa.ForeignKey("nas_run.run_id"), primary_key=True),
        sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.Double, nullable=False)
            for name in (
                "train_loss",
                "train_accuracy",
                "loss",
                "accuracy",
                "learning_rate",
                "seconds",
                "images_per_second",
            )
        ),
    )
