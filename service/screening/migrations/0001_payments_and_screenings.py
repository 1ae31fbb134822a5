"""Payments and screenings."""

import sqlalchemy as sa
from alembic import op

from service.store.migrate import has_first_history

revision = "0001"
down_revision = None


def upgrade() -> None:
    if has_first_history(op.get_bind()):
        return
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("end_to_end_id", sa.Text, nullable=False),
        sa.Column("debtor_name", sa.Text, nullable=False),
        sa.Column("debtor_iban", sa.Text, nullable=False),
        sa.Column("creditor_name", sa.Text, nullable=False),
        sa.Column("creditor_iban", sa.Text, nullable=False),
        sa.Column("creditor_bic", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payments"),
    )
    op.create_table(
        "screenings",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("engine", sa.Text, nullable=False),
        sa.Column("watchlist", sa.Text, nullable=False),
        sa.Column("cutoff", sa.Double, nullable=False),
        sa.Column("hits_per_name", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("records", sa.LargeBinary, nullable=False),
        sa.Column("results", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_screenings"),
    )


def downgrade() -> None:
    op.drop_table("screenings")
    op.drop_table("payments")
