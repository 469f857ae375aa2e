-- SQL that keeps sqlite3 busy for about a second, in memory: sqlite3 :memory: < work.sql
CREATE TABLE parcel(id INTEGER PRIMARY KEY, customer INTEGER, weight INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
INSERT INTO parcel SELECT i, i * 7919 % 1009, i * 104729 % 997 FROM n;
CREATE INDEX parcel_by_customer ON parcel(customer);
SELECT 'parcels', count(*) FROM parcel;
SELECT 'customers', count(DISTINCT customer) FROM parcel;
SELECT 'heaviest', max(total) FROM (SELECT sum(weight) AS total FROM parcel GROUP BY customer);
SELECT 'pairs', count(*) FROM parcel a JOIN parcel b ON a.customer = b.customer WHERE a.id < 8000;
