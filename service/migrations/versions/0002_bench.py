"""The tables of the lab's comparison routes; empty until those are served."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
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
