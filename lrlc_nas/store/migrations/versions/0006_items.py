"""Scores of single samples; the circumstance under which a claim was tested."""

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from lrlc_nas.store.migrations.missing import add_column, create_index, create_table, drop_index

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of items, and let a search have one child for each circumstance."""
    create_table(
        "nas_items",
        sa.Column("run_id", sa.Integer, sa.ForeignKey("nas_run.run_id"), primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("items", sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb"), nullable=False),
    )
    add_column("nas_study", sa.Column("circumstance", sa.String(100), nullable=False, server_default=""))
    drop_index("nas_study_parent", "nas_study", ["parent_study_id"])
    create_index("nas_study_parent", "nas_study", ["parent_study_id", "circumstance"], unique=True)
