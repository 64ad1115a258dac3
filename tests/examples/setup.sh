# The world of the examples, made in an empty folder $HOME/work. What only some of them need is in functions.
role=arn:aws:iam::123456789012:role/CodeDeploy
wait="--watch --interval 100ms -q"
exec 3>&1 >/dev/null 2>"$HOME/setup.log"
trap 'cat "$HOME/setup.log"' ERR

mkdir -p ~/names ~/.zfunc ~/.config/fish/completions ~/bin ci
name() { cat >~/names/"$1"; }
# A bundle in this folder and in site/, and as site.zip.
cp -r "$PACKAGE/examples/site" site
cp -r site/. .
cdctl revision bundle site --file ~/site.zip
mv ~/site.zip .

# What stands for github.com.
mkdir -p ~/github/owner/repo
cp -r "$PACKAGE/examples/site" ~/github/owner/repo/deploy
git config --global user.name me
git config --global user.email me@example.com
git config --global "url.file://$HOME/github/.insteadOf" https://github.com/
git -C ~/github/owner/repo init -q
git -C ~/github/owner/repo add .
git -C ~/github/owner/repo commit -qm site
git -C ~/github/owner/repo tag v1.2

cdctl app create shop
cdctl group create shop/prod --ec2-tag Role=web --service-role "$role"
cdctl app create checkout --platform lambda
cdctl group create checkout/live --config CodeDeployDefault.LambdaAllAtOnce --service-role "$role"
cdctl instance register rack-7 --user-arn arn:aws:iam::123456789012:user/rack-7 --tag Role=web
for n in 1 2 41; do
  echo "$n" >site/index.html
  cdctl revision push site s3://releases/site-$n.zip --app shop
done
cdctl revision list shop -o json --query 'revisions[?revisionLocation.s3Location.key==`"site-1.zip"`] | [0].revisionLocation.s3Location.version' | tr -d '"' | name version
cdctl deploy create shop/prod --revision s3://releases/site-1.zip $wait | name one
cdctl deploy create shop/prod --revision s3://releases/site-2.zip $wait | name two
cdctl deploy watch shop/prod --record prod.ndjson

cat >group.yaml <<-EOF
	applicationName: shop
	deploymentGroupName: prod
	serviceRoleArn: $role
	ec2TagFilters: [{Key: Role, Value: web, Type: KEY_AND_VALUE}]
EOF
cat >deployment.yaml <<-EOF
	applicationName: shop
	deploymentGroupName: prod
	revision: {revisionType: S3, s3Location: {bucket: releases, key: site-1.zip, bundleType: zip}}
EOF
echo 'cdctl app list' >ci/deploy.sh
printf '#!/bin/sh\n' >smoke-test.sh
chmod +x smoke-test.sh

# A deployment that fails on every host, and is `one`; what broke it has gone again.
failing() {
  cdctl sandbox fault add fail --event ApplicationStart
  cdctl deploy create shop/prod --revision s3://releases/site-2.zip $wait | name one || true
  cdctl sandbox fault clear
}

# A deployment that is under way, and is `one`.
running() {
  cdctl sandbox fault add slow --factor 100
  cdctl deploy create shop/prod --revision s3://releases/site-1.zip -q | name one
  cdctl sandbox fault clear
}

# A blue/green deployment that waits for `ready` or `termination`, and is `one`.
waiting() {
  cdctl group update shop/prod --style blue-green --traffic-control on --target-group web --green-fleet discover \
    --when-ready "$([ "$1" = ready ] && echo 60 || echo continue)" --terminate-blue 60
  cdctl deploy create shop/prod --revision s3://releases/site-1.zip --target-tag Fleet=green $wait \
    --until "$([ "$1" = ready ] && echo ready || echo traffic)" | name one
}

# The same application in another region, and its bundle in each.
regions() {
  cdctl app create shop --region eu-west-1
  cdctl group create shop/prod --ec2-tag Role=web --service-role "$role" --region eu-west-1
  for region in us-east-1 eu-west-1; do
    cdctl revision push site s3://releases-$region/site-1.zip --app shop --region $region
  done
}

# The application of the service, and a task definition.
service() {
  cdctl app delete shop --yes
  cdctl app create shop --platform ecs
  cdctl group create shop/web --config CodeDeployDefault.ECSAllAtOnce --service-role "$role" --ecs-service shop/web \
    --target-group-pair blue,green --when-ready continue --terminate-blue 0 \
    --listener arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/web/1/2
  echo '{"family": "web", "containerDefinitions": [{"name": "web", "image": "web:2", "portMappings": [{"containerPort": 80}]}]}' >taskdef.json
  cdctl deploy create shop/web --task-definition taskdef.json --container web:80 $wait
}

# The application of the function.
lambda() {
  cdctl app delete shop --yes
  cdctl app create shop --platform lambda
  cdctl group create shop/checkout --config CodeDeployDefault.LambdaAllAtOnce --service-role "$role"
  cdctl deploy create shop/checkout --function checkout:live --current-version 1 --target-version 2 $wait
}

# A deployment, which is `one`, whose hook waits for its answer.
hooked() {
  lambda
  printf '%s\n' "cat >'$HOME/payload'; sleep 5" >~/hook.sh
  cat >hooks.yml <<-EOF
	version: 0.0
	Resources: [{checkout: {Type: AWS::Lambda::Function, Properties: {
	  Name: checkout, Alias: live, CurrentVersion: "2", TargetVersion: "3"}}}]
	Hooks: [{BeforeAllowTraffic: verify}]
	EOF
  cdctl deploy create shop/checkout --appspec hooks.yml -q | name one
  until [ -s ~/payload ]; do sleep 0.05; done
  sed 's/.*"LifecycleEventHookExecutionId":"\([^"]*\)".*/\1/' ~/payload | name hook
}

# Deployments that come by themselves, as long as the sandbox is there.
coming() {
  while sleep 1 && cdctl deploy create shop/prod --revision s3://releases/site-1.zip --if-active wait -q; do :; done
}
