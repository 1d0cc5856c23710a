"""The history of our tables, one file for each change, applied in order by alembic."""
