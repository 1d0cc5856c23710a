"""Run by alembic: apply the migrations on the connection that `lrlc_nas.store.schema` hands over."""

from alembic import context

from lrlc_nas.store.models import Base
from lrlc_nas.store.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # Optuna keeps its own alembic_version in the same database.
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
