"""Alembic runs this for each of its commands; service/store/migrate.py brings the rest."""

from alembic import context

given = context.config.attributes
context.configure(
    connection=given["connection"],
    target_metadata=given["schema"].metadata,
    version_table=given["schema"].version_table,
    transactional_ddl=True,  # SQLite has it, too; Alembic does not take it for granted
)
with context.begin_transaction():
    context.run_migrations()
