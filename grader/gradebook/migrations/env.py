"""What Alembic runs: all steps that are missing, in the transaction of whoever opened the gradebook."""

from alembic import context

from grader.gradebook.migrations import VERSION_TABLE

config = getattr(context, "config", None)  # there is none where this file is only imported
if config is not None:
    context.configure(connection=config.attributes["connection"], version_table=VERSION_TABLE, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
