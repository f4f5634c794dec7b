"""What Alembic runs: all steps that are missing, in the transaction of whoever opened the gradebook."""

from alembic import context

from grader.gradebook.migrations import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"], version_table=VERSION_TABLE, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
