-- Kept with the role, not sent by the client: Neon's pooler refuses or drops such startup parameters, and a SET would
-- land on whichever connection the pooler has at hand. The role that migrates is the one that the product uses.
ALTER ROLE CURRENT_USER SET statement_timeout = '30s';
--> statement-breakpoint
-- A process that stops in the middle of a transaction would hold its locks for ever.
ALTER ROLE CURRENT_USER SET idle_in_transaction_session_timeout = '60s';
