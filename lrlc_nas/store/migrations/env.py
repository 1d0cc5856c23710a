"""Run by alembic: apply the migrations on the connection that `lrlc_nas.store.schema` hands over."""

from alembic import context

from ..models import Base
from ..schema import VERSION_TABLE


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # Optuna keeps its own alembic_version in the same database.
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
