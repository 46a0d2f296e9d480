/**
 * Version 2. The number of clients that were never used, for each issuer. Every registration compares it with its maximum, and
 * counting the rows took longer with every client. Triggers keep it, so no statement can forget it.
 */
import type { Dialect } from "./Migration.js"

const isUnused = (row: string): string => `${row}.origin = 'Dynamic' and ${row}.used_at is null`

const add = (issuer: string, number: string): string =>
  `insert into client_counts (issuer, unused) values (${issuer}, ${number})
    on conflict (issuer) do update set unused = client_counts.unused + excluded.unused;`

const sqlite = [
  `create trigger clients_unused_inserted after insert on clients when ${isUnused("new")}
    begin ${add("new.issuer", "1")} end`,
  `create trigger clients_unused_deleted after delete on clients when ${isUnused("old")}
    begin ${add("old.issuer", "-1")} end`,
  `create trigger clients_unused_updated after update of origin, used_at on clients
    when (${isUnused("old")}) <> (${isUnused("new")})
    begin ${add("new.issuer", `case when ${isUnused("new")} then 1 else -1 end`)} end`
]

const pg = [
  `create function count_unused_clients() returns trigger language plpgsql as $$
    begin
      if tg_op <> 'INSERT' and ${isUnused("old")} and not (tg_op = 'UPDATE' and ${isUnused("new")}) then
        ${add("old.issuer", "-1")}
      elsif tg_op <> 'DELETE' and ${isUnused("new")} and not (tg_op = 'UPDATE' and ${isUnused("old")}) then
        ${add("new.issuer", "1")}
      end if;
      return null;
    end $$`,
  `create trigger clients_unused_counted after insert or delete or update of origin, used_at on clients
    for each row execute function count_unused_clients()`
]

export const statements = (dialect: Dialect): ReadonlyArray<string> => [
  `create table client_counts (
    issuer text not null primary key,
    unused ${dialect === "sqlite" ? "integer" : "bigint"} not null
  ) ${dialect === "sqlite" ? "strict, without rowid" : ""}`,
  `insert into client_counts (issuer, unused)
    select issuer, count(*) from clients where ${isUnused("clients")} group by issuer`,
  ...(dialect === "sqlite" ? sqlite : pg)
]
