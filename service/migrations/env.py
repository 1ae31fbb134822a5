"""Alembic runs this for each of its commands; service/store/migrate.py brings the connection."""

from alembic import context

from service.wiring import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,  # SQLite has it, too; Alembic does not take it for granted
)
with context.begin_transaction():
    context.run_migrations()
