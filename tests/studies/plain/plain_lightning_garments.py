"""A Lightning module with Lightning's own Trainer, pruned by Optuna's callback: through both doors.

lrlc-nas start --task studies.lightning_garments:task, or in an Optuna study: python -m studies.lightning_garments
"""

import lightning
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from lrlc_nas.data import load_images

PARTS = {"train": slice(1000), "search": slice(1000, 1500), "confirm": slice(1500, 2000)}
IMAGES = load_images("embedded")


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


def train(network):
    trainer = lightning.Trainer(max_epochs=4, logger=False, enable_checkpointing=False)
    trainer.fit(Garments(network), loader("train"), loader("search"))
    return trainer.callback_metrics["val_loss"].item()


print(train(host()))
