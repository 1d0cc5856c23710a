"""How many workers have died over each run."""

import sqlalchemy as sa
from alembic import op


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column of deaths."""
    op.add_column("nas_run", sa.Column("deaths", sa.Integer, nullable=False, server_default="0"))
