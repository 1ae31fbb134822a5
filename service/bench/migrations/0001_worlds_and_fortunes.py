"""The tables of the lab's comparison routes; empty until those are served."""

import sqlalchemy as sa
from alembic import op

from service.store.migrate import has_first_history

revision = "0001"
down_revision = None


def upgrade() -> None:
    if has_first_history(op.get_bind(), "0002"):
        return
    op.create_table(
        "world",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("randomnumber", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_world"),
    )
    op.create_table(
        "fortune",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fortune"),
    )


def downgrade() -> None:
    op.drop_table("fortune")
    op.drop_table("world")
