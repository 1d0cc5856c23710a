"""How many workers have died over each run."""

import sqlalchemy as sa

from lrlc_nas.store.migrations.missing import add_column

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column of deaths."""
    add_column("nas_run", sa.Column("deaths", sa.Integer, nullable=False, server_default="0"))
