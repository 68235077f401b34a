-- Lets in again who was let in before. Runs in each migration, as that may have made functions anew.
select parlant_internal.apply_opt_ins();
