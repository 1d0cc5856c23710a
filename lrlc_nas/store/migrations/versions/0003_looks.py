"""The looks at the sealed test images."""

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from lrlc_nas.store.migrations.missing import create_table

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _long() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    """Create the table of looks."""
    create_table(
        "nas_look",
        sa.Column("look_id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("study_id", sa.Integer, sa.ForeignKey("nas_study.study_id"), nullable=False),
        sa.Column("opened", sa.Double, nullable=False),
        sa.Column("subject", _long(), nullable=False),
        sa.Column("results", _long()),
    )
