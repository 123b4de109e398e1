environment       = "local"
aws_region        = "eu-west-2"
identifier_prefix = "goldenpath-platform-db"

# One entry for each application database on the shared server.
# `make rds-apply ENV=local` makes the server and AWS Secrets Manager match this map.
application_databases = {
  keycloak = {
    database_name = "keycloak"
    username      = "keycloak_user"
  }

  backstage = {
    database_name = "backstage"
    username      = "backstage_user"
    createdb      = true # the Backstage backend creates a database for each plugin
  }

  inventory_service = {
    database_name = "inventory_service"
    username      = "inventory_user"
  }
}
