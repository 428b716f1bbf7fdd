//! Many at once; always also on PostgreSQL.
