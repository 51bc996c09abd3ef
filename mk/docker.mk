# The image, and what runs it or needs a Docker engine.
IMAGE ?= grud
BASE  ?= debian:bookworm-slim
# The distribution's client before another one in the path: older ones need to be told to use
# BuildKit, newer ones know it.
docker docker-base docker-test kubernetes-pod-test systemd-test: \
  export DOCKER = $(shell test -x /usr/bin/docker && echo /usr/bin/docker || echo docker)
export DOCKER_BUILDKIT ?= 1
export BASE IMAGE

.PHONY: docker docker-base docker-test systemd-test \
        kubernetes-test kubernetes-server-test kubernetes-pod-test
docker-base: # a Docker engine and the base image
	@docker/local-base.sh up

docker: docker-base ## build the image, and that of the feeder
	$(DOCKER) build -f docker/Dockerfile --target run --build-arg BASE=$(BASE) \
	  --build-arg VERSION=$(VERSION) --build-arg REVISION=$(COMMIT) --build-arg CREATED="$$(git show -s --format=%cI 2>/dev/null)" \
	  -t $(IMAGE) -t $(IMAGE):$(VERSION) .
	$(DOCKER) build -f docker/Dockerfile --target feeder --build-arg BASE=$(BASE) \
	  -t $(IMAGE)-feeder -t $(IMAGE)-feeder:$(VERSION) .

docker-test: test-packages docker all ## run the image as its users would, and check what it does
	@GRUD=$(BUILD)/grud tests/docker/run.sh

systemd-test: docker-base ## install grud on a Debian that boots in a container, and run it there as a service
	@PACKAGES="$(BUILD_PACKAGES)" tests/systemd/run.sh

kubernetes-test: test-packages all ## check config/kubernetes against the schemas of Kubernetes, and against grud
	$(call packages,python3-venv)
	@GRUD=$(BUILD)/grud tests/checks/kubernetes.sh
	@GRUD=$(BUILD)/grud tests/checks/kubernetes-cluster.sh

# By hand, where the first time may take ten minutes.
kubernetes-server-test: test-packages ## have a real Kubernetes API server take config/kubernetes
	@tests/checks/kubernetes-server.sh

# By hand, and likewise.
kubernetes-pod-test: test-packages docker ## run config/kubernetes on a real node of Kubernetes
	$(call packages,containerd runc containernetworking-plugins iproute2 util-linux)
	@tests/checks/kubernetes-pod.sh
