"""A Lightning module with Lightning's own Trainer, pruned by Optuna's callback: through both doors.

lrlc-nas start --task studies.lightning_garments:task, or in an Optuna study: python -m studies.lightning_garments
"""

import lightning
import optuna
import torch
from optuna_integration import PyTorchLightningPruningCallback
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import lrlc_nas
from lrlc_nas.data import load_images

PARTS = {"train": slice(1000), "search": slice(1000, 1500), "confirm": slice(1500, 2000)}
IMAGES, SAMPLE = load_images("embedded"), torch.zeros(50, 1, 28, 28)


def loader(split):
    pairs = TensorDataset(IMAGES.images[PARTS[split]].float() / 255, IMAGES.labels[PARTS[split]])
    return DataLoader(pairs, 50, shuffle=split == "train")


def host(width=12):
    convs = [nn.Conv2d(i, width, 3, stride=s, padding=1) for i, s in ((1, 1), (width, 2), (width, 2))]
    layers = (layer for conv in convs for layer in (conv, nn.BatchNorm2d(width), nn.ReLU()))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))


class Garments(lightning.LightningModule):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def training_step(self, batch, _):
        return F.cross_entropy(self.network(batch[0]), batch[1])

    def validation_step(self, batch, _):
        self.log("val_loss", F.cross_entropy(self.network(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), 3e-3)


def train(network, trial):  # a run of ours, or a trial of Optuna's: the callback takes either
    split, pruning = getattr(trial, "split", "search"), PyTorchLightningPruningCallback(trial, monitor="val_loss")
    trainer = lightning.Trainer(max_epochs=4, callbacks=[pruning], logger=False, enable_checkpointing=False)
    trainer.fit(Garments(network), loader("train"), loader(split))
    return trainer.callback_metrics["val_loss"].item()


task = lrlc_nas.Task(host=host, sample=SAMPLE, train=train, metric=lrlc_nas.Metric("validation loss", "minimize"))

if __name__ == "__main__":
    pruner = lrlc_nas.BlockPruner(optuna.pruners.MedianPruner())
    study = optuna.create_study(sampler=lrlc_nas.BlockSampler(), pruner=pruner)
    study.optimize(lambda trial: train(lrlc_nas.suggest(trial, host(), SAMPLE, ("lrlc-2", "lc")), trial), n_trials=12)
    print(lrlc_nas.read_study(study, metric=task.metric).screening.effects)
