"""Brings the local master user's secret and psql's password file into line.

master-secret.py put PGPASS   puts the secret, in the shape that RDS gives it
master-secret.py get PGPASS   writes the file as the secret says

The endpoint and the credentials come from the environment.
"""

import json
import os
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

NAME = "goldenpath/local/rds/master"


def put(client, path):
    with open(path, encoding="utf-8") as file:
        host, port, _, username, password = file.readline().rstrip("\n").split(":")
    value = {
        "username": username,
        "password": password,
        "host": host,
        "port": port,
        "dbname": "platform",
        "engine": "postgres",
    }
    try:
        client.create_secret(Name=NAME, SecretString=json.dumps(value))
    except client.exceptions.ResourceExistsException:
        client.put_secret_value(SecretId=NAME, SecretString=json.dumps(value))


def get(client, path):
    answer = client.get_secret_value(SecretId=NAME, VersionStage="AWSCURRENT")
    value = json.loads(answer["SecretString"])
    # Letters and digits only: nothing that the file's syntax would want escaped.
    fields = (value["host"], value["port"], "*", value["username"], value["password"])
    with open(path, "w", encoding="utf-8") as file:
        file.write(":".join(fields) + "\n")


def main(direction, path):
    endpoint = os.environ["AWS_ENDPOINT_URL_SECRETS_MANAGER"]
    client = boto3.client("secretsmanager", endpoint_url=endpoint)
    {"put": put, "get": get}[direction](client, path)


try:
    main(*sys.argv[1:])
except (BotoCoreError, ClientError) as error:
    sys.exit(str(error))
