-- Brings every view to its definition. Runs in each migration, as that may have changed one.
select parlant_internal.make_views(s.prefix, null)
from parlant_internal.view_sets as s;
