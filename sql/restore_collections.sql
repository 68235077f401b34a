-- Brings registry, tables and privileges together again, whatever has parted them. Runs in each migration.
select parlant_internal.restore_collections();
