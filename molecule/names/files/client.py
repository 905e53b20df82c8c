"""Logs in again and again, and writes down `ok` or why not."""
import json
import time

import psycopg2

with open('/root/client.json', encoding='utf-8') as file:
    settings = json.load(file)
with open('/root/client.log', 'w', encoding='utf-8', buffering=1) as log:
    while True:
        try:
            psycopg2.connect(connect_timeout=5, **settings).close()
            print('ok', file=log)
        except psycopg2.Error as error:
            print(str(error).strip().splitlines()[-1], file=log)
        time.sleep(0.1)
