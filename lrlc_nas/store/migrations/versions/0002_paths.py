"""Which way computed each low-rank layer."""

import sqlalchemy as sa

from lrlc_nas.store.migrations.missing import create_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of chosen paths."""
    create_table(
        "nas_path",
        sa.Column("study_id", sa.Integer, sa.ForeignKey("nas_study.study_id"), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("situation", sa.Text, nullable=False),
        sa.Column("path", sa.String(20), nullable=False),
    )
