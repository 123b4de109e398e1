"""Puts the secret of the local server's master user, in the shape that RDS gives it.

put-master-secret.py PGPASS-FILE; the endpoint and the credentials come from the environment.
"""

import json
import os
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

NAME = "goldenpath/local/rds/master"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        host, port, _, username, password = file.readline().rstrip("\n").split(":")
    value = {
        "username": username,
        "password": password,
        "host": host,
        "port": port,
        "dbname": "platform",
        "engine": "postgres",
    }
    endpoint = os.environ["AWS_ENDPOINT_URL_SECRETS_MANAGER"]
    client = boto3.client("secretsmanager", endpoint_url=endpoint)
    try:
        client.create_secret(Name=NAME, SecretString=json.dumps(value))
    except client.exceptions.ResourceExistsException:
        client.put_secret_value(SecretId=NAME, SecretString=json.dumps(value))


try:
    main()
except (BotoCoreError, ClientError) as error:
    sys.exit(str(error))
